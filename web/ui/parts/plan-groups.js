// The groups of the form, but for the load: which fields, in which order, with which words.

import { texts } from "../i18n.js";
import { field } from "./field.js";
import { rows } from "./list-field.js";

/**
 * @typedef {import("./field.js").Field} Field
 * @typedef {import("./plan.js").Edit} Edit
 *
 * @typedef {object} Group
 * @property {string} name
 * @property {string} title
 * @property {string[]} places  whose problems are shown here where no field of them is
 * @property {Field[]} fields
 * @property {boolean} [isFolded]
 * @property {string} [note]
 */

const t = texts({
  name: ["Name", "名称"],
  nameHint: ["What the lists show; empty: the URL", "列表中显示的名称；留空则用 URL"],
  tags: ["Tags", "标签"],
  tagsHint: ["Kept in the report: version = 1.4", "保留在报告中：version = 1.4"],
  addTag: ["Add a tag", "添加标签"],
  key: ["Name", "名称"],
  value: ["Value", "值"],
  target: ["Target", "目标"],
  url: ["URL", "URL"],
  urlHint: ["http://10.0.0.5:8080/path?query; https is not supported yet", "http://10.0.0.5:8080/path?query；暂不支持 https"],
  moreTarget: ["Addresses, Host header, tags", "连接地址、Host 头、标签"],
  host: ["Host header", "Host 头"],
  hostHint: ["Instead of the URL's host: shop.example", "替代 URL 中的主机名：shop.example"],
  connectTo: ["Connect to", "连接地址"],
  connectToHint: ["Instead of the addresses of the URL's name, evenly: 10.0.0.5:8080", "替代 URL 主机名解析出的地址，连接均摊：10.0.0.5:8080"],
  addAddress: ["Add an address", "添加地址"],
  request: ["Request", "请求"],
  method: ["Method", "方法"],
  methodHint: ["GET, POST, PUT, …", "GET、POST、PUT 等"],
  path: ["Path", "路径"],
  pathHint: ["Instead of the URL's: /items?id=1", "替代 URL 中的路径：/items?id=1"],
  headers: ["Headers", "请求头"],
  headersHint: ["Content-Type: application/json. Host and Content-Length are added", "Content-Type: application/json。Host 与 Content-Length 会自动添加"],
  addHeader: ["Add a header", "添加请求头"],
  body: ["Body", "请求体"],
  bodyHint: ["Sent as it is written, in UTF-8", "按原样以 UTF-8 发送"],
  connection: ["Connections and time-outs", "连接与超时"],
  keepAlive: ["Keep connections alive", "保持长连接"],
  keepAliveHint: ["Off: a new connection for each request", "关闭：每个请求新建连接"],
  pipeline: ["Pipeline", "流水线深度"],
  pipelineHint: ["Requests on one connection at a time", "单个连接上同时的请求数"],
  perConnection: ["Requests per connection", "单连接请求数"],
  perConnectionHint: ["Then it is closed; 0: no limit", "达到后关闭连接；0 表示不限"],
  timeout: ["Time-out", "响应超时"],
  timeoutHint: ["From the send to the last byte: 10s", "从发送到最后一个字节：10s"],
  connectTimeout: ["Connect time-out", "建连超时"],
  connectTimeoutHint: ["Until a connection is open: 5s", "建立连接的时限：5s"],
  expect: ["Expected responses", "预期响应"],
  status: ["Status", "状态码"],
  statusHint: ["200, 2xx; none: 2xx and 3xx are as expected", "200、2xx；不填则 2xx 与 3xx 视为符合预期"],
  addStatus: ["Add a status", "添加状态码"],
  contains: ["Body contains", "响应体包含"],
  source: ["Data", "数据"],
  sourceNote: ["Every request is the same. Requests from a file or a data set ([source]) are not supported by the engine yet; a plan that asks for them is refused.",
    "所有请求相同。引擎暂不支持从文件或数据集（[source]）读取请求，含有该设置的计划会被拒绝。"],
  sourceFile: ["File", "文件"],
  sourceDataset: ["Data set", "数据集"],
  sourceFileHint: ["On the host of the agent.", "执行机上的文件。"],
  sourceDatasetHint: ["name@version.", "名称@版本。"],
  tls: ["TLS", "TLS"],
  tlsNote: ["https targets are not supported yet. Load the plain http:// port behind the TLS terminator.",
    "暂不支持 https 目标，请压测 TLS 终结之后的 http:// 端口。"],
  stop: ["Goals and limits", "目标值与中止条件"],
  slo: ["Goals", "目标值"],
  sloHint: ["Judged at the end: p99<50ms, p(99.9)<1s, errors<0.1%, rate>=9500", "结束时判定：p99<50ms、p(99.9)<1s、errors<0.1%、rate>=9500"],
  addSlo: ["Add a goal", "添加目标值"],
  abortOn: ["Limits", "中止条件"],
  abortOnHint: ["End the run: errors>5% over 10s, p99>1s over 5s, status(5xx)>1% over 10s", "满足即中止：errors>5% over 10s、p99>1s over 5s、status(5xx)>1% over 10s"],
  addAbortOn: ["Add a limit", "添加中止条件"],
  agents: ["Agents", "执行机"],
  cores: ["Cores", "核数"],
  coresHint: ["In all; 0: as many as the rate needs", "总核数；0 表示按速率分配"],
  perAgent: ["Cores per agent", "单机核数上限"],
  perAgentHint: ["At the most; 0: no limit", "0 表示不限"],
  onLoss: ["When an agent is lost", "执行机丢失时"],
  onLossHint: ["What becomes of its share", "其份额如何处理"],
  reassign: ["others take over", "由其他执行机接管"],
  continue: ["go on with less", "减量继续"],
  abort: ["stop the run", "中止运行"],
  labels: ["Labels", "标签要求"],
  labelsHint: ["That an agent must have: zone = a", "执行机必须具有：zone = a"],
  addLabel: ["Add a label", "添加标签要求"],
  other: ["Reproducibility", "可重复性"],
  seed: ["Seed", "随机种子"],
  seedHint: ["Of everything random", "所有随机量的种子"],
});

const SLO = ["p99<50ms", "p50<10ms", "p(99.9)<1s", "errors<0.1%", "status(5xx)<1%", "rate>=9500"];
const ABORT_ON = ["errors>5% over 10s", "p99>1s over 5s", "status(5xx)>1% over 10s", "rate<9500 over 5s"];
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/**
 * @param {(edits: Edit[]) => void} changed
 * @returns {Group[]}
 */
export function groups(changed) {
  const one = (/** @type {import("./field.js").Settings} */ settings) => field(settings, changed);
  const many = (/** @type {import("./list-field.js").Settings} */ settings) => rows(settings, changed);
  const pairs = [t.key, t.value];
  return [
    {
      name: "target", title: t.target, places: ["name", "target", "schema"],
      fields: [
        one({ place: "target.url", label: t.url, hint: t.urlHint, fallback: "", isWide: true }),
        one({ place: "name", label: t.name, hint: t.nameHint, fallback: "", isWide: true }),
      ],
    },
    {
      name: "addresses", title: t.moreTarget, places: [], isFolded: true,
      fields: [
        one({ place: "target.host", label: t.host, hint: t.hostHint }),
        many({ place: "target.connect_to", label: t.connectTo, hint: t.connectToHint, add: t.addAddress, shape: "texts" }),
        many({ place: "tags", label: t.tags, hint: t.tagsHint, add: t.addTag, shape: "table", columns: pairs }),
      ],
    },
    {
      name: "request", title: t.request, places: ["request"],
      fields: [
        one({ place: "request.method", label: t.method, hint: t.methodHint, fallback: "GET", examples: METHODS }),
        one({ place: "request.path", label: t.path, hint: t.pathHint }),
        many({ place: "request.headers", label: t.headers, hint: t.headersHint, add: t.addHeader, shape: "pairs", columns: pairs }),
        one({ place: "request.body", label: t.body, hint: t.bodyHint, kind: "long", isWide: true }),
      ],
    },
    {
      name: "stop", title: t.stop, places: ["stop"],
      fields: [
        many({ place: "stop.slo", label: t.slo, hint: t.sloHint, add: t.addSlo, shape: "texts", examples: SLO }),
        many({ place: "stop.abort_on", label: t.abortOn, hint: t.abortOnHint, add: t.addAbortOn, shape: "texts", examples: ABORT_ON }),
      ],
    },
    ...folded(one, many),
  ];
}

/**
 * @param {(settings: import("./field.js").Settings) => Field} one
 * @param {(settings: import("./list-field.js").Settings) => Field} many
 * @returns {Group[]}
 */
function folded(one, many) {
  return [
    {
      name: "connection", title: t.connection, places: ["connection"], isFolded: true,
      fields: [
        one({ place: "connection.keep_alive", label: t.keepAlive, hint: t.keepAliveHint, kind: "flag", fallback: true, isWide: true }),
        one({ place: "connection.timeout", label: t.timeout, hint: t.timeoutHint, fallback: "10s" }),
        one({ place: "connection.connect_timeout", label: t.connectTimeout, hint: t.connectTimeoutHint, fallback: "5s" }),
        one({ place: "connection.pipeline", label: t.pipeline, hint: t.pipelineHint, kind: "whole", fallback: 1 }),
        one({ place: "connection.requests_per_connection", label: t.perConnection, hint: t.perConnectionHint, kind: "whole", fallback: 0 }),
      ],
    },
    {
      name: "expect", title: t.expect, places: ["expect"], isFolded: true,
      fields: [
        many({ place: "expect.status", label: t.status, hint: t.statusHint, add: t.addStatus, shape: "texts", examples: ["200", "2xx", "3xx", "404"] }),
        one({ place: "expect.body_contains", label: t.contains, isLater: true, isWide: true }),
      ],
    },
    {
      name: "agents", title: t.agents, places: ["agents"], isFolded: true,
      fields: [
        one({ place: "agents.cores", label: t.cores, hint: t.coresHint, kind: "whole", fallback: 0 }),
        one({ place: "agents.per_agent_max", label: t.perAgent, hint: t.perAgentHint, kind: "whole", fallback: 0 }),
        one({ place: "agents.on_loss", label: t.onLoss, hint: t.onLossHint, kind: "choice", fallback: "reassign", choices: [["reassign", t.reassign], ["continue", t.continue], ["abort", t.abort]] }),
        many({ place: "agents.labels", label: t.labels, hint: t.labelsHint, add: t.addLabel, shape: "table", columns: [t.key, t.value] }),
      ],
    },
    {
      name: "source", title: t.source, places: ["source"], isFolded: true, note: t.sourceNote,
      fields: [
        one({ place: "source.file", label: t.sourceFile, hint: t.sourceFileHint, isLater: true }),
        one({ place: "source.dataset", label: t.sourceDataset, hint: t.sourceDatasetHint, isLater: true }),
      ],
    },
    { name: "tls", title: t.tls, places: ["tls"], isFolded: true, note: t.tlsNote, fields: [] },
    {
      name: "other", title: t.other, places: ["seed"], isFolded: true,
      fields: [one({ place: "seed", label: t.seed, hint: t.seedHint, kind: "whole", fallback: 1 })],
    },
  ];
}

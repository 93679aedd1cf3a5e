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
  urlHint: ["http://10.0.0.5:8080/path?query, https://shop.example/", "http://10.0.0.5:8080/path?query、https://shop.example/"],
  moreTarget: ["Addresses, Host header, tags", "连接地址、Host 头、标签"],
  host: ["Host header", "Host 头"],
  hostHint: ["Instead of the URL's host: shop.example", "替代 URL 中的主机名：shop.example"],
  connectTo: ["Connect to", "连接地址"],
  connectToHint: ["Instead of the addresses of the URL's name, evenly: 10.0.0.5:8080", "替代 URL 主机名解析出的地址，连接均摊：10.0.0.5:8080"],
  addAddress: ["Add an address", "添加地址"],
  sourceIps: ["Connect from", "源地址"],
  sourceIpsHint: ["Local addresses of the agents, in turn: 10.0.0.1, 10.0.0.7-10.0.0.9", "执行机的本地地址，轮流使用：10.0.0.1、10.0.0.7-10.0.0.9"],
  dns: ["Resolve the name", "域名解析间隔"],
  dnsHint: ["For acp bench: again and again while it runs, 1s. Runs of control resolve once", "仅用于 acp bench：运行中反复解析，如 1s。控制端的任务只解析一次"],
  request: ["Request", "请求"],
  method: ["Method", "方法"],
  methodHint: ["GET, POST, PUT, …", "GET、POST、PUT 等"],
  path: ["Path", "路径"],
  pathHint: ["Instead of the URL's: /items?id=1", "替代 URL 中的路径：/items?id=1"],
  headers: ["Headers", "请求头"],
  headersHint: ["Content-Type: application/json. Host and Content-Length are added", "Content-Type: application/json。Host 与 Content-Length 会自动添加"],
  addHeader: ["Add a header", "添加请求头"],
  body: ["Body", "请求体"],
  bodyHint: ["UTF-8. {{int 1 1000}}, {{uuid}}, {{slot}}, {{hex 16}}, {{zipf 1000 1.1}}, {{now_ms}} are filled in for each request, here, in the path and in headers",
    "UTF-8。此处以及路径与请求头中的 {{int 1 1000}}、{{uuid}}、{{slot}}、{{hex 16}}、{{zipf 1000 1.1}}、{{now_ms}} 会逐请求替换"],
  templates: ["Fill in {{…}}", "替换 {{…}}"],
  templatesHint: ["Off: sent as it stands", "关闭：按原样发送"],
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
  containsHint: ["Else the response is unexpected", "否则视为不符合预期"],
  source: ["Data", "数据"],
  sourceNote: ["Requests from a query file, one each line, instead of one for all. What a line leaves out is taken from Request.",
    "从查询文件逐行读取请求，而不是所有请求相同。行中未给出的部分取自“请求”。"],
  sourceFile: ["File", "文件"],
  sourceDataset: ["Data set", "数据集"],
  sourceFileHint: ["File or folder on the hosts of the agents: /data/queries.txt", "执行机上的文件或文件夹：/data/queries.txt"],
  format: ["Format", "格式"],
  formatHint: ["Of a line", "每行的格式"],
  auto: ["by the first line", "由首行判断"],
  formatPath: ["path and query", "路径与查询串"],
  formatLine: ["METHOD PATH [BODY]", "METHOD PATH [BODY]"],
  formatJsonl: ["JSON object", "JSON 对象"],
  order: ["Order", "顺序"],
  orderHint: ["Which line comes next", "下一行如何选取"],
  seq: ["one after the other", "依次"],
  random: ["any, each time", "每次随机"],
  shuffle: ["each once, shuffled", "洗牌，每行一次"],
  partition: ["Over agents", "执行机之间"],
  partitionHint: ["Which lines an agent sends", "每台执行机发送哪些行"],
  partitionNone: ["each sends all lines", "各自发送全部行"],
  partitionAgent: ["each sends its share", "各自发送一份"],
  sourceDatasetHint: ["name@version.", "名称@版本。"],
  tls: ["TLS", "TLS"],
  tlsNote: ["Of https:// targets. Files are on the hosts of the agents.", "用于 https:// 目标。文件位于执行机上。"],
  verify: ["Check the certificate", "校验证书"],
  verifyHint: ["Off: any certificate will do", "关闭：接受任何证书"],
  resumption: ["Resume sessions", "会话复用"],
  resumptionHint: ["Off: a full handshake for each connection", "关闭：每个连接完整握手"],
  cacert: ["Authorities", "CA 证书"],
  cacertHint: ["Instead of the host's own: a PEM file", "替代系统自带的 CA：PEM 文件"],
  cert: ["Client certificate", "客户端证书"],
  certHint: ["With its chain: a PEM file", "含证书链：PEM 文件"],
  keyFile: ["Its private key", "证书私钥"],
  keyFileHint: ["A PEM file, never the key itself", "PEM 文件，请勿填写私钥内容"],
  sni: ["Name", "名称（SNI）"],
  sniHint: ["To ask for and to check, instead of the URL's host", "用于请求与校验，替代 URL 中的主机名"],
  minVersion: ["Lowest version", "最低版本"],
  maxVersion: ["Highest version", "最高版本"],
  versionHint: ["To offer", "可协商的版本"],
  anyVersion: ["any", "不限"],
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
        many({ place: "connection.source_ips", label: t.sourceIps, hint: t.sourceIpsHint, add: t.addAddress, shape: "texts" }),
        one({ place: "target.dns", label: t.dns, hint: t.dnsHint }),
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
        one({ place: "request.templates", label: t.templates, hint: t.templatesHint, kind: "flag", fallback: true, isWide: true }),
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
        one({ place: "expect.body_contains", label: t.contains, hint: t.containsHint, isWide: true }),
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
    { name: "source", title: t.source, places: ["source"], isFolded: true, note: t.sourceNote, fields: sourceFields(one) },
    { name: "tls", title: t.tls, places: ["tls"], isFolded: true, note: t.tlsNote, fields: tlsFields(one) },
    {
      name: "other", title: t.other, places: ["seed"], isFolded: true,
      fields: [one({ place: "seed", label: t.seed, hint: t.seedHint, kind: "whole", fallback: 1 })],
    },
  ];
}

/** @param {(settings: import("./field.js").Settings) => Field} one @returns {Field[]} */
function sourceFields(one) {
  return [
    one({ place: "source.file", label: t.sourceFile, hint: t.sourceFileHint, isWide: true }),
    one({ place: "source.format", label: t.format, hint: t.formatHint, kind: "choice", fallback: "auto", choices: [["auto", t.auto], ["path", t.formatPath], ["line", t.formatLine], ["jsonl", t.formatJsonl]] }),
    one({ place: "source.order", label: t.order, hint: t.orderHint, kind: "choice", fallback: "seq", choices: [["seq", t.seq], ["random", t.random], ["shuffle", t.shuffle]] }),
    one({ place: "source.partition", label: t.partition, hint: t.partitionHint, kind: "choice", fallback: "none", choices: [["none", t.partitionNone], ["agent", t.partitionAgent]] }),
    one({ place: "source.dataset", label: t.sourceDataset, hint: t.sourceDatasetHint, isLater: true }),
  ];
}

/** @param {(settings: import("./field.js").Settings) => Field} one @returns {Field[]} */
function tlsFields(one) {
  /** @type {[string, string][]} */
  const versions = [["", t.anyVersion], ["1.2", "TLS 1.2"], ["1.3", "TLS 1.3"]];
  return [
    one({ place: "tls.verify", label: t.verify, hint: t.verifyHint, kind: "flag", fallback: true }),
    one({ place: "tls.resumption", label: t.resumption, hint: t.resumptionHint, kind: "flag", fallback: true }),
    one({ place: "tls.cacert", label: t.cacert, hint: t.cacertHint }),
    one({ place: "tls.sni", label: t.sni, hint: t.sniHint }),
    one({ place: "tls.cert", label: t.cert, hint: t.certHint }),
    one({ place: "tls.key", label: t.keyFile, hint: t.keyFileHint }),
    one({ place: "tls.min_version", label: t.minVersion, hint: t.versionHint, kind: "choice", choices: versions }),
    one({ place: "tls.max_version", label: t.maxVersion, hint: t.versionHint, kind: "choice", choices: versions }),
  ];
}

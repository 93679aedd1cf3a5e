// Classes of errors and reasons not to send, in words.

import { texts } from "../i18n.js";

const CLASSES = texts({
  connect_refused: ["connection refused", "连接被拒绝"],
  connect_timeout: ["connect timeout", "连接超时"],
  connect_other: ["connection failed", "连接失败"],
  tls: ["TLS handshake failed", "TLS 握手失败"],
  timeout: ["timeout", "响应超时"],
  reset: ["connection reset", "连接被重置"],
  tls_unknown_ca: ["certificate of an unknown authority", "证书颁发机构不受信任"],
  tls_expired: ["certificate expired or not yet valid", "证书过期或尚未生效"],
  tls_host_name: ["certificate for another name", "证书主机名不符"],
  closed_early: ["closed early", "连接提前关闭"],
  protocol: ["not HTTP", "非 HTTP 响应"],
  unexpected: ["unexpected response", "非预期响应"],
  dns: ["name not found", "域名解析失败"],
  ports_exhausted: ["no local port free", "本地端口耗尽"],
  too_many_files: ["too many open files", "打开文件数超限"],
});

const NOT_SENT = texts({
  backlog: ["not sent: backlog full", "未发送：积压已满"],
  catchup: ["not sent: too late", "未发送：已过时"],
  stopped: ["not sent: stopped", "未发送：已停止"],
  ended: ["not sent: run ended", "未发送：运行已结束"],
  source: ["not sent: no data", "未发送：数据已用完"],
  agent_lost: ["not sent: agent lost", "未发送：执行机失联"],
});

/** @param {string} name  of an error class */
export const classText = (name) => /** @type {Record<string, string>} */ (CLASSES)[name] ?? name;

/** @param {string} name  of a reason not to send */
export const notSentText = (name) => /** @type {Record<string, string>} */ (NOT_SENT)[name] ?? name;

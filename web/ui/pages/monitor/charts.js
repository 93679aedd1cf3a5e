// The charts of hosts: what each shows, and how it is read.

import { bytes, count, percent, short } from "../../format.js";
import { texts } from "../../i18n.js";

const t = texts({
  cpu: ["CPU: busy, steal dashed", "CPU：使用率，虚线为被抢占（steal）"],
  busy: ["busy", "使用率"],
  steal: ["steal", "steal"],
  memory: ["Memory: used, in all dashed", "内存：已用，虚线为总量"],
  used: ["used", "已用"],
  all: ["in all", "总量"],
  network: ["Network: received, sent dashed", "网络：接收，虚线为发送"],
  received: ["received", "接收"],
  sent: ["sent", "发送"],
  tcp: ["TCP sockets: in use, TIME_WAIT dashed", "TCP 连接：使用中，虚线为 TIME_WAIT"],
  inUse: ["in use", "使用中"],
  timeWait: ["TIME_WAIT", "TIME_WAIT"],
  again: ["TCP segments sent again, per second", "每秒 TCP 重传"],
  retransmits: ["sent again", "重传"],
  disk: ["Disk: free in the agent's folder", "磁盘：执行机目录剩余空间"],
  free: ["free", "剩余"],
});

/** @param {number} value */
const perSecond = (value) => `${bytes(value)}/s`;
/** @param {any} sample */
const used = ({ memory_total_bytes: all, memory_available_bytes: left }) => (all === null || left === null ? null : all - left);

/**
 * @typedef {object} Chart
 * @property {string} name
 * @property {string} title
 * @property {(value: number) => string} unit
 * @property {{ label: string, pick: (sample: any) => number | null }[]} numbers  the second one is dashed
 */

/** @type {Chart[]} */
export const CHARTS = [
  { name: "cpu", title: t.cpu, unit: percent, numbers: [{ label: t.busy, pick: (it) => it.cpu_busy_ratio }, { label: t.steal, pick: (it) => it.cpu_steal_ratio }] },
  { name: "memory", title: t.memory, unit: bytes, numbers: [{ label: t.used, pick: used }, { label: t.all, pick: (it) => it.memory_total_bytes }] },
  { name: "network", title: t.network, unit: perSecond, numbers: [{ label: t.received, pick: (it) => it.network_received_bytes_per_s }, { label: t.sent, pick: (it) => it.network_sent_bytes_per_s }] },
  { name: "tcp", title: t.tcp, unit: (value) => count(Math.round(value)), numbers: [{ label: t.inUse, pick: (it) => it.tcp_in_use }, { label: t.timeWait, pick: (it) => it.tcp_time_wait }] },
  { name: "retransmits", title: t.again, unit: short, numbers: [{ label: t.retransmits, pick: (it) => it.tcp_retransmits_per_s }] },
  { name: "disk", title: t.disk, unit: bytes, numbers: [{ label: t.free, pick: (it) => it.disk_free_bytes }] },
];

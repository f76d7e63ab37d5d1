/** struct tcp_info of linux/tcp.h (tcp_get_info() of net/ipv4/tcp.c), as much as the stack knows. */

import { putBytes } from './option_bytes.js';
import type { OptionState } from './option_row.js';
import {
  RN_GET_CWND,
  RN_GET_MSS,
  RN_GET_MTU,
  RN_GET_RCVWND,
  RN_GET_RETRANSMITS,
  RN_GET_RTO,
  RN_GET_SNDWND,
  RN_GET_STATE,
  RN_GET_UNSENT,
} from './stack_options.js';

/** Offsets, and its size since Linux 5.4. */
export const TCP_INFO = {
  tcpi_state: 0,
  tcpi_retransmits: 2,
  tcpi_rto: 8,
  tcpi_ato: 12,
  tcpi_snd_mss: 16,
  tcpi_rcv_mss: 20,
  tcpi_unacked: 24,
  tcpi_pmtu: 60,
  tcpi_rcv_ssthresh: 64,
  tcpi_snd_ssthresh: 76,
  tcpi_snd_cwnd: 80,
  tcpi_advmss: 84,
  tcpi_reordering: 88,
  tcpi_rcv_space: 96,
  tcpi_total_retrans: 100,
  tcpi_pacing_rate: 104,
  tcpi_max_pacing_rate: 112,
  tcpi_snd_wnd: 228,
} as const;
export const TCP_INFO_SIZE = 232;

/** TCP_INFINITE_SSTHRESH of net/tcp.h; net.ipv4.tcp_reordering; TCP_INIT_CWND. */
const INFINITE_SSTHRESH = 0x7fffffff;
const REORDERING = 3;
const INITIAL_CWND = 10;
const MSS_DEFAULT = 536;
/** The timeout before anything is known: TCP_TIMEOUT_INIT, in microseconds. */
const INITIAL_RTO_US = 1_000_000;
const US_PER_MS = 1000;
/** No limit. */
const UNLIMITED = 2n ** 64n - 1n;

export function putTcpInfo(options: OptionState, out: Uint8Array): number {
  const { target } = options;
  const info = new DataView(new ArrayBuffer(TCP_INFO_SIZE));
  const put = (at: number, value: number) => info.setUint32(at, Math.max(value, 0), true);
  const mss = Math.max(target.get(RN_GET_MSS), 0) || MSS_DEFAULT;
  const retransmits = Math.max(target.get(RN_GET_RETRANSMITS), 0);
  info.setUint8(TCP_INFO.tcpi_state, Math.max(target.get(RN_GET_STATE), 0));
  info.setUint8(TCP_INFO.tcpi_retransmits, Math.min(retransmits, 255));
  const rto = target.get(RN_GET_RTO);
  put(TCP_INFO.tcpi_rto, rto > 0 ? rto * US_PER_MS : INITIAL_RTO_US);
  put(TCP_INFO.tcpi_snd_mss, mss);
  put(TCP_INFO.tcpi_rcv_mss, mss);
  put(TCP_INFO.tcpi_advmss, mss);
  put(TCP_INFO.tcpi_unacked, Math.ceil(Math.max(target.get(RN_GET_UNSENT), 0) / mss));
  put(TCP_INFO.tcpi_pmtu, target.get(RN_GET_MTU));
  put(TCP_INFO.tcpi_rcv_ssthresh, target.get(RN_GET_RCVWND));
  put(TCP_INFO.tcpi_rcv_space, target.get(RN_GET_RCVWND));
  put(TCP_INFO.tcpi_snd_ssthresh, INFINITE_SSTHRESH);
  const cwnd = target.get(RN_GET_CWND);
  put(TCP_INFO.tcpi_snd_cwnd, cwnd > 0 ? Math.max(Math.floor(cwnd / mss), 1) : INITIAL_CWND);
  put(TCP_INFO.tcpi_reordering, REORDERING);
  put(TCP_INFO.tcpi_total_retrans, retransmits);
  put(TCP_INFO.tcpi_snd_wnd, target.get(RN_GET_SNDWND));
  info.setBigUint64(TCP_INFO.tcpi_pacing_rate, UNLIMITED, true);
  info.setBigUint64(TCP_INFO.tcpi_max_pacing_rate, UNLIMITED, true);
  return putBytes(out, new Uint8Array(info.buffer));
}

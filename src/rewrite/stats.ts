/** Counters of what was hijacked and of what could not be. Told at the end under -v. */
export class Stats {
  answered = 0;
  refused = 0;
}

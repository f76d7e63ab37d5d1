/** Counters of what could not be done. Told at the end under -v. */
export class Stats {
  /** Calls on rump paths and descriptors that were refused because nothing serves them. */
  refused = 0;
}

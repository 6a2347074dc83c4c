interface Entry<Member> {
  readonly member: Member;
  readonly size: number;
}

interface Lane<Member> {
  entries: Entry<Member>[];
  /** What it may still take in this round: deficit round robin (Shreedhar & Varghese 1995). */
  credit: number;
}

/** What waits, by tenant: whoever sends much or large does not keep others out of a batch. */
export class FairLine<Member> {
  readonly #lanes = new Map<string, Lane<Member>>();
  count = 0;
  /** Sum of sizes. */
  size = 0;

  add(tenant: string, member: Member, size: number): void {
    let lane = this.#lanes.get(tenant);
    if (!lane) this.#lanes.set(tenant, (lane = { entries: [], credit: 0 }));
    lane.entries.push({ member, size });
    this.count++;
    this.size += size;
  }

  remove(tenant: string, member: Member): void {
    const lane = this.#lanes.get(tenant);
    const at = lane?.entries.findIndex((entry) => entry.member === member) ?? -1;
    if (!lane || at < 0) return;
    const [{ size }] = lane.entries.splice(at, 1);
    this.count--;
    this.size -= size;
    if (lane.entries.length === 0) this.#lanes.delete(tenant);
  }

  /** The first of each tenant. */
  *heads(): Generator<Member> {
    for (const { entries } of this.#lanes.values()) yield entries[0].member;
  }

  /** Takes at most `maxCount` members of `maxSize` together, one at least: first come first served within a tenant. */
  take(maxCount: number, maxSize: number): Member[] {
    const taken: Member[] = [];
    let room = maxSize;
    while (this.count > 0 && taken.length < maxCount) {
      // The smallest head's size is a quantum that lets at least one tenant go on.
      const quantum = Math.min(...[...this.#lanes.values()].map(({ entries, credit }) => entries[0].size - credit));
      let full = false;
      for (const [tenant, lane] of [...this.#lanes]) {
        lane.credit += Math.max(0, quantum);
        while (lane.entries.length > 0 && lane.entries[0].size <= lane.credit && taken.length < maxCount) {
          const [{ member, size }] = lane.entries;
          if (size > room && taken.length > 0) {
            full = true;
            break;
          }
          lane.entries.shift();
          lane.credit -= size;
          room -= size;
          this.count--;
          this.size -= size;
          taken.push(member);
        }
        // The next batch begins with those that this one did not come to.
        this.#lanes.delete(tenant);
        if (lane.entries.length > 0) this.#lanes.set(tenant, lane);
        if (full || taken.length >= maxCount) break;
      }
      if (full) break;
    }
    return taken;
  }
}

import type { Block } from './block.js';

/** One lease in the books. It outlives the handle that the owner holds. */
export interface LeaseRecord {
  readonly site: Site;
  readonly block: Block;
  readonly requestedBytes: number;
  readonly blockBytes: number;
  readonly tenant: string;
  readonly bornMs: number;
  /** Where it was taken, for one lease in some. */
  readonly stack: string | undefined;
  readonly onRelease: (() => void) | undefined;
  released: boolean;
  older: LeaseRecord | undefined;
  younger: LeaseRecord | undefined;
}

/** What is known about the leases of one label; bytes are those asked for. */
export interface Site {
  readonly label: string;
  liveBytes: number;
  liveCount: number;
  peakBytes: number;
  leaseCount: number;
  lostCount: number;
  /** Means over the last leases that were given back, ms and ms². */
  meanLifeMs: number;
  meanLifeSquaredMs2: number;
  /** Stacks are taken of each lease, not of some. */
  suspected: boolean;
  oldest: LeaseRecord | undefined;
  youngest: LeaseRecord | undefined;
}

/** Of the last lease in the means of lives. */
const LIFE_WEIGHT = 1 / 256;

/** Who holds what: all live leases by label, oldest first. */
export class Ledger {
  requestedBytes = 0;
  liveCount = 0;
  peakRequestedBytes = 0;
  readonly sites = new Map<string, Site>();
  readonly bytesByTenant = new Map<string, number>();

  site(label: string): Site {
    let site = this.sites.get(label);
    if (site === undefined) {
      site = {
        label,
        liveBytes: 0,
        liveCount: 0,
        peakBytes: 0,
        leaseCount: 0,
        lostCount: 0,
        meanLifeMs: 0,
        meanLifeSquaredMs2: 0,
        suspected: false,
        oldest: undefined,
        youngest: undefined,
      };
      this.sites.set(label, site);
    }
    return site;
  }

  open(
    site: Site,
    block: Block,
    requestedBytes: number,
    tenant: string,
    bornMs: number,
    stack: string | undefined,
    onRelease: (() => void) | undefined,
  ): LeaseRecord {
    const record: LeaseRecord = {
      site,
      block,
      requestedBytes,
      blockBytes: block.byteLength,
      tenant,
      bornMs,
      stack,
      onRelease,
      released: false,
      older: site.youngest,
      younger: undefined,
    };
    if (site.youngest) site.youngest.younger = record;
    else site.oldest = record;
    site.youngest = record;
    site.leaseCount++;
    site.liveCount++;
    site.liveBytes += requestedBytes;
    if (site.liveBytes > site.peakBytes) site.peakBytes = site.liveBytes;
    this.liveCount++;
    this.requestedBytes += requestedBytes;
    if (this.requestedBytes > this.peakRequestedBytes) this.peakRequestedBytes = this.requestedBytes;
    this.bytesByTenant.set(tenant, (this.bytesByTenant.get(tenant) ?? 0) + record.blockBytes);
    return record;
  }

  close(record: LeaseRecord, nowMs: number): void {
    record.released = true;
    const { site, older, younger } = record;
    const lifeMs = nowMs - record.bornMs;
    const weight = Math.max(LIFE_WEIGHT, 1 / (site.leaseCount - site.liveCount + 1));
    site.meanLifeMs += weight * (lifeMs - site.meanLifeMs);
    site.meanLifeSquaredMs2 += weight * (lifeMs * lifeMs - site.meanLifeSquaredMs2);
    if (older) older.younger = younger;
    else site.oldest = younger;
    if (younger) younger.older = older;
    else site.youngest = older;
    record.older = record.younger = undefined;
    site.liveCount--;
    site.liveBytes -= record.requestedBytes;
    this.liveCount--;
    this.requestedBytes -= record.requestedBytes;
    const left = this.bytesByTenant.get(record.tenant)! - record.blockBytes;
    if (left > 0) this.bytesByTenant.set(record.tenant, left);
    else this.bytesByTenant.delete(record.tenant);
  }

  /** The site's leases that were taken at or before `bornMs`. */
  bornBefore(site: Site, bornMs: number): { readonly count: number; readonly bytes: number } {
    let bytes = 0;
    let count = 0;
    for (let record = site.oldest; record && record.bornMs <= bornMs; record = record.younger) {
      bytes += record.requestedBytes;
      count++;
    }
    return { count, bytes };
  }
}

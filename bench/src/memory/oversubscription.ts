import { Random } from '@armilla/base';
import { DeviceMemory, type MemoryResident, SimulatedBuffers } from '@armilla/gpu-core';

/** Calls and residents that want more than there is. */
export interface Oversubscription {
  readonly case: 'oversubscription';
  /** Largest sum of what was asked for and not given back / budget. */
  readonly asked_ratio: number;
  readonly requests: number;
  readonly failures: number;
  readonly spills: number;
  readonly waits: number;
  /** Largest reserved / budget. */
  readonly peak_share: number;
}

const MIB = 2 ** 20;
const STORAGE = 0x80;
const BUDGET_BYTES = 256 * MIB;
const CALLS = 60;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** 60 callers of 8 to 16 MiB at a time, and eight residents of 16 MiB that may be spilled, on a device of 256 MiB. */
export async function oversubscription(rounds: number): Promise<Oversubscription> {
  const device = new SimulatedBuffers({ limitBytes: BUDGET_BYTES });
  const memory = new DeviceMemory(device, device, {
    budget: { bytes: BUDGET_BYTES, source: 'configured', detail: 'bench' },
    slabBytes: 8 * MIB,
  });
  const random = new Random(5);
  let [asked, mostAsked, requests, failures, peak] = [0, 0, 0, 0, 0];
  const ask = async (byteLength: number, label: string) => {
    asked += byteLength;
    mostAsked = Math.max(mostAsked, asked);
    requests++;
    const grant = await memory.acquire({ byteLength, usage: STORAGE, label });
    return grant.place === 'device' ? grant.lease : undefined;
  };
  const residents = async (): Promise<MemoryResident[]> => {
    const kept: MemoryResident[] = [];
    for (let i = 0; i < 8; i++) {
      const lease = await ask(16 * MIB, `resident ${i}`);
      if (lease)
        kept.push(memory.residents.add({ lease, transferSeconds: 0.01 * (i + 1), spill: () => Promise.resolve() }));
    }
    return kept;
  };
  const calls = Array.from({ length: CALLS }, async (_, i) => {
    for (let round = 0; round < rounds; round++) {
      const byteLength = MIB * (8 + random.below(9));
      try {
        const lease = await ask(byteLength, `call ${i}`);
        for (let k = random.below(4); k >= 0; k--) await turn();
        device.submit();
        lease?.release();
      } catch {
        failures++;
      }
      asked -= byteLength;
    }
  });
  let ended = false;
  const all = Promise.all([residents(), ...calls]).finally(() => (ended = true));
  while (!ended) {
    await turn();
    peak = Math.max(peak, device.usedBytes);
    device.complete(device.epochOfLastSubmit - random.below(2));
  }
  await all;
  const { stages } = memory.stats();
  return {
    case: 'oversubscription',
    asked_ratio: mostAsked / BUDGET_BYTES,
    requests,
    failures,
    spills: stages.spill,
    waits: stages.queue,
    peak_share: peak / BUDGET_BYTES,
  };
}

import { type Meter } from '@opentelemetry/api';
import { type Admission } from '../limits/admission.js';

/** What admission holds, for dashboards. */
export function watchAdmission(meter: Meter, admission: Admission): void {
  const gauge = (name: string, unit: string, description: string, read: () => number): void => {
    meter.createObservableGauge(name, { unit, description }).addCallback((result) => result.observe(read()));
  };
  gauge('armilla.admission.limit', 'By', 'Memory that calls may plan together', () => admission.stats().limitBytes);
  gauge('armilla.admission.reserved', 'By', 'Memory planned by running calls', () => admission.stats().reservedBytes);
  gauge('armilla.admission.waiting', '{call}', 'Calls that wait for memory', () => admission.stats().waiting);
}

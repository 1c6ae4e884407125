import type { z } from 'zod';
import type { deliveryPage } from '../../src/callbacks/deliveries/callback-deliveries.schema.js';
import type { destinationPage } from '../../src/callbacks/destinations/destinations.schema.js';
import type { lanePage } from '../../src/jobs/jobs.schema.js';
import type { requestDetail } from '../../src/requests/requests.schema.js';

export type RequestDetail = z.infer<typeof requestDetail>;
export type DeliveryPage = z.infer<typeof deliveryPage>;
export type DestinationPage = z.infer<typeof destinationPage>;
export type LanePage = z.infer<typeof lanePage>;

/** Fetches a URL and returns its JSON. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests assert its shape
export async function getJson<Json = any>(url: string): Promise<Json> {
  return (await fetch(url)).json() as Promise<Json>;
}

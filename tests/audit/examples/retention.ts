// One payment: who owes whom because of it, and who has paid.
import type { Retention, Voucher } from './answers.js';
import { ask, type Chain } from './chain.js';
import { clearingEvents } from './events.js';

/**
 * The contract keeps a digest of the voucher; the voucher itself stands in the event that told of its retention.
 * So it is looked for there, and handed back to the contract, which works out again what follows from it.
 */
export async function retention(chain: Chain, id: string): Promise<Retention> {
  const voucher = await voucherOf(chain, id);
  const found = await ask<Retention | null>(chain, 'clearing', 'retention', [voucher]);
  if (!found) {
    throw new Error(`an event told that ${id} was retained, and the contract does not know it`);
  }
  return found;
}

async function voucherOf(chain: Chain, id: string): Promise<Voucher> {
  for (const told of await clearingEvents(chain, {})) {
    const kept = told.event === 'Retained' && told.fields.vouchers.find((one) => one.id === id);
    if (kept) {
      return kept.voucher;
    }
  }
  throw new Error(`no voucher ${id} was retained`);
}

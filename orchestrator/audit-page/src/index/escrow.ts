// Deals, from the escrow contract's events.
import type { ContractEvent } from '../chain/node';
import type { Fields } from '../chain/scale';
import { assetKey, type Asset } from '../protocol/settlement';
import { refOf, type Ref } from './index';

export interface Deal {
  id: string;
  agreement: string;
  hashlock: string;
  buyer: string;
  seller: string;
  asset: string;
  price: bigint;
  bond: bigint;
  state: string;
  events: Ref[];
}

export class Deals {
  readonly rows: Deal[] = [];
  readonly byId = new Map<string, Deal>();
  readonly byAgreement = new Map<string, Deal>();
  readonly byHashlock = new Map<string, Deal>();

  take(event: ContractEvent): void {
    const { name, fields } = event;
    if (name === 'Withdrawn') {
      return;
    }
    const id = fields.deal as string;
    if (name === 'Locked') {
      const terms = fields.terms as Fields;
      const deal: Deal = {
        id,
        agreement: terms.agreement as string,
        hashlock: terms.hashlock as string,
        buyer: fields.buyer as string,
        seller: terms.seller as string,
        asset: assetKey(terms.asset as Asset),
        price: terms.price as bigint,
        bond: terms.bond as bigint,
        state: name,
        events: [refOf(event)],
      };
      this.rows.push(deal);
      this.byId.set(id, deal);
      this.byAgreement.set(deal.agreement, deal);
      this.byHashlock.set(deal.hashlock, deal);
      return;
    }
    const deal = this.byId.get(id);
    if (!deal) {
      throw new Error(`deal ${id} was not locked before`);
    }
    deal.events.push(refOf(event));
    if (name !== 'Deferred') {
      deal.state = name;
    }
  }
}

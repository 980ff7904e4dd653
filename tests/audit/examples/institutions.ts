// Who the institutions are, and what they hold.
import { hexToString } from '@polkadot/util';
import type { Balance, Institution, Member } from './answers.js';
import { ask, type Chain } from './chain.js';

/** As many as the registry tells at once. */
const PAGE = 32;

export async function institutions(chain: Chain): Promise<Institution[]> {
  const found: Institution[] = [];
  for (;;) {
    const page = await ask<Institution[]>(chain, 'registry', 'institutions', [found.length]);
    found.push(...page.map((one) => ({ ...one, lei: hexToString(one.lei) })));
    if (page.length < PAGE) {
      return found;
    }
  }
}

/** What each of them holds of the native token in the clearing contract. */
export async function balances(chain: Chain): Promise<Record<Member, Balance>> {
  const found: Record<Member, Balance> = {};
  for (const { member } of await institutions(chain)) {
    found[member] = await ask<Balance>(chain, 'clearing', 'balance', [member, 'Native']);
  }
  return found;
}

# The state of a chain under another chain's name, validators and boot nodes: see README.md.
#   jq -s -f copy.jq NEW.json STATE.json > copy.json
# NEW.json: the new chain's raw spec. STATE.json: what `quittance-node export-state` wrote.

# The pallets System, Aura, Grandpa and Consortium: block numbers, hashes and validators are the new chain's.
def renewed: test("^0x(26aa394eea5630e07c48ae0c9558cef7|57f8dc2f5ab09467896f47300f042438|5f9cc45b7a00c5899361e1c6099678dc|5bb421b7c3d48cbf791b03e020c9ea0d)");
# System.Account: who has what stays, and what NEW.json gives comes on top.
def account: startswith("0x26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9");

.[1].genesis.raw as $state
| .[0]
| .genesis.raw.childrenDefault = $state.childrenDefault
| .genesis.raw.top |=
    ($state.top | with_entries(select(.key | account or (renewed | not))))
    + with_entries(select(.key | renewed))

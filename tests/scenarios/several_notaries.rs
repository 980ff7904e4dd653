//! Three notaries, two of which must sign, for every scenario in which some of them die.
use quittance::devnet::{Institution, Options};
use serde_json::json;

use crate::network::{configure, restart, TestNetwork};

pub struct Notaries {
    pub test: TestNetwork,
}

impl Notaries {
    /// Started. The network's own notary leads first; everybody's `[settlement]` has these `settings` too. There are so
    /// many `banks` besides the first two.
    pub async fn start(banks: u16, settings: &str) -> Self {
        let mut test = TestNetwork::start_with(|options: &mut Options| options.others = 2 + banks).await;
        let network = &mut test.network;
        for other in &network.others[..2] {
            let roles = json!({ "set_roles": { "member": other.member, "roles": ["notary"] } });
            network.govern(&roles).await.unwrap();
        }
        network.govern(&json!({ "set_notary_threshold": 2 })).await.unwrap();
        let members = [&network.notary, &network.others[0], &network.others[1]].map(|notary| notary.member.0);
        let [first, ..] = members;
        let all = [&mut network.originator, &mut network.home, &mut network.notary];
        for institution in all.into_iter().chain(&mut network.others) {
            let named = format!("notaries = {members:?}\n{settings}");
            configure(institution, |text| {
                text.replace(&format!("notaries = [{first}]"), &named)
            });
            restart(institution, &[]).await;
        }
        Self { test }
    }

    pub fn notary(&mut self, place: usize) -> &mut Institution {
        match place.checked_sub(1) {
            None => &mut self.test.network.notary,
            Some(other) => &mut self.test.network.others[other],
        }
    }

    /// The first bank besides the first two.
    pub fn bank(&self) -> &Institution {
        &self.test.network.others[2]
    }
}

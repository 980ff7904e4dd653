//! A card issuer and an acquirer beside a network, on the network's chain (S4.1).
use std::path::PathBuf;

use anyhow::Context;
use protocol::{
    prepaid::{Card, CardLimits, CardNumber, Float, Merchant, MerchantNumber, Rules, Statement},
    text::to_hex,
    AccountId, Amount, Member, Timestamp,
};
use reqwest::Method;
use serde::{de::DeserializeOwned, Serialize};

use super::{free_port, fresh_key, institution, made_up_lei, Institution, Network};
use crate::{
    chain::{ChainPrepaid, Deployment},
    http::{
        credit::Acted,
        now,
        prepaid::{
            cards::{IssueRequest, TopUpRequest},
            merchants::{CloseCycleRequest, MerchantRequest, TerminalRequest},
            programmes::CardProgrammeView,
        },
    },
    prepaid::envelopes,
};

/// Makes the issuer's LEI, and the acquirer's; no others of a network have them.
const NUMBERS: [u16; 2] = [60_002, 60_003];
/// How long cards last, in milliseconds.
const LASTS: Timestamp = 365 * 86_400_000;

/// What holds for all cards and merchants.
#[derive(Clone, Copy, Debug)]
pub struct CardTerms {
    /// The most on a card, in a payment and in a day.
    pub limits: CardLimits,
    /// How long a cycle lasts at least until anyone may close it, in seconds.
    pub cycle_seconds: u64,
    /// How long a payment can be disputed, in seconds.
    pub dispute_seconds: u64,
    /// How long the issuer may take to decide, in seconds.
    pub ruling_seconds: u64,
}

impl Default for CardTerms {
    fn default() -> Self {
        Self {
            limits: CardLimits {
                balance: 1_000_000_000_000,
                per_payment: 500_000_000_000,
                per_day: 1_000_000_000_000,
            },
            cycle_seconds: 86_400,
            dispute_seconds: 86_400,
            ruling_seconds: 86_400,
        }
    }
}

/// A card issuer and an acquirer, running or not. Dropping it ends their processes, unless the network was told to keep them.
pub struct Cards {
    /// Issues cards.
    pub issuer: Institution,
    /// Speaks for merchants.
    pub acquirer: Institution,
    /// The contracts, the issuer's among them.
    pub deployment: Deployment,
    /// The file with them.
    pub file: PathBuf,
    /// Where terminals reach the acquirer, by TLS.
    pub terminal_url: String,
    /// The CA that its certificate is from.
    pub ca: PathBuf,
}

impl Network {
    /// Registers a card issuer and an acquirer, gives the issuer its contract, and starts their orchestrators; `progress` is
    /// told each step before it begins.
    ///
    /// # Errors
    /// A step failed; the message names the log to read.
    pub async fn add_cards(&mut self, terms: CardTerms, progress: &(dyn Fn(&str) + Sync)) -> anyhow::Result<Cards> {
        progress("registering a card issuer with its contract, and an acquirer");
        let make = |name, folder, number, role| {
            let lei = made_up_lei(number).context("no LEI has this number")?;
            institution(&self.options, (name, folder), lei, role)
        };
        let mut issuer = make("Card Issuer", "card-issuer", NUMBERS[0], "card_issuer")?;
        let mut acquirer = make("Acquirer", "acquirer", NUMBERS[1], "participant")?;
        let place = self.place();
        place
            .register(&self.deployment, &mut [&mut issuer, &mut acquirer])
            .await?;
        let programme = self.options.directory.join("cards.toml");
        std::fs::write(&programme, terms.file())?;
        let deployment = place.deploy_cards(issuer.member, &programme).await?;

        progress("starting both orchestrators");
        let identity = issuer.directory.join("cards.age");
        if !identity.exists() {
            envelopes::create(&identity)?;
        }
        let port = free_port()?;
        let notary = (self.notary.member, "gross");
        let mut reached: Vec<&Institution> = self.institutions().collect();
        reached.extend([&issuer, &acquirer]);
        for institution in [&issuer, &acquirer] {
            institution.configure(&self.place_of(institution.member), notary, &reached)?;
        }
        issuer.configure_more(&format!("[prepaid.issuer]\nidentity = {identity:?}\n"))?;
        acquirer.configure_more(&format!(
            "[[prepaid.issuers]]\nmember = {}\n\n[prepaid.terminals]\nlisten = \"127.0.0.1:{port}\"\n",
            issuer.member
        ))?;
        let file = self.options.directory.join("deployment.json");
        for institution in [&mut issuer, &mut acquirer] {
            institution.start(&[])?;
        }
        for institution in [&issuer, &acquirer] {
            institution.ready().await?;
        }
        self.deployment = deployment.clone();
        Ok(Cards {
            issuer,
            acquirer,
            deployment,
            file,
            terminal_url: format!("https://127.0.0.1:{port}"),
            ca: self.options.directory.join("ca").join("ca.pem"),
        })
    }

    /// A connection that reads what the card issuer's contract itself says.
    ///
    /// # Errors
    /// The node can't be reached, or the bundle is missing.
    pub async fn prepaid(&self, cards: &Cards) -> anyhow::Result<ChainPrepaid> {
        let (chain, follower, submitter) = self.deployer().await?;
        let bundle = crate::chain::bundle::Bundle::find(&self.options.bundles, "prepaid")?;
        let (deployment, issuer) = (cards.deployment.clone(), cards.issuer.member);
        Ok(ChainPrepaid::new(
            chain, follower, submitter, deployment, issuer, &bundle,
        )?)
    }
}

impl CardTerms {
    fn file(&self) -> String {
        let CardLimits {
            balance,
            per_payment,
            per_day,
        } = self.limits;
        format!(
            "[limits]\nbalance = \"{balance}\"\nper_payment = \"{per_payment}\"\nper_day = \"{per_day}\"\n\n\
             [payments]\nallows_partial = true\n\n[cycles]\nleast_seconds = {}\n\n\
             [disputes]\nopen_seconds = {}\nruling_seconds = {}\n",
            self.cycle_seconds, self.dispute_seconds, self.ruling_seconds
        )
    }
}

impl Cards {
    /// The issuer's contract.
    ///
    /// # Errors
    /// The deployment lacks it.
    pub fn contract(&self) -> anyhow::Result<AccountId> {
        Ok(self.deployment.prepaid_of(self.issuer.member)?.address)
    }

    /// Has something done with the programme, by an institution's HTTP API.
    ///
    /// # Errors
    /// It is refused, or the institution can't be reached.
    pub async fn write(&self, by: &Institution, what: &str, body: &impl Serialize) -> anyhow::Result<Acted> {
        let answer = by
            .api()?
            .write(Method::POST, &self.path(what), &fresh_key(), body)
            .await?;
        Ok(answer.json().await?)
    }

    /// Reads something of the programme, as the issuer shows it.
    ///
    /// # Errors
    /// There is none, or the issuer can't be reached.
    pub async fn read<T: DeserializeOwned>(&self, what: &str) -> anyhow::Result<T> {
        self.issuer.api()?.get(&self.path(what)).await
    }

    /// Registers a merchant that the acquirer speaks for.
    ///
    /// # Errors
    /// It is refused, or the issuer can't be reached.
    pub async fn register(&self, merchant: MerchantNumber, account: AccountId, rules: Rules) -> anyhow::Result<()> {
        let request = MerchantRequest {
            merchant,
            acquirer: self.acquirer.member,
            account,
            rules,
        };
        self.write(&self.issuer, "merchants", &request).await?;
        Ok(())
    }

    /// Gives a merchant a terminal with this key.
    ///
    /// # Errors
    /// It is refused, or the issuer can't be reached.
    pub async fn add_terminal(&self, merchant: MerchantNumber, terminal: AccountId) -> anyhow::Result<()> {
        let what = format!("merchants/{}/terminals", merchant.0);
        self.write(&self.issuer, &what, &TerminalRequest { terminal }).await?;
        Ok(())
    }

    /// Issues a card with the programme's limits, and tops it up.
    ///
    /// # Errors
    /// It is refused, or the issuer can't be reached.
    pub async fn issue(
        &self,
        card: CardNumber,
        key: AccountId,
        holder: AccountId,
        amount: Amount,
    ) -> anyhow::Result<()> {
        let programme: CardProgrammeView = self.read("").await?;
        let programme = programme.programme.context("the programme can't be read")?;
        let request = IssueRequest {
            card,
            key,
            holder,
            limits: programme.limits,
            expires_at: now().saturating_add(LASTS),
        };
        self.write(&self.issuer, "cards", &request).await?;
        self.top_up(card, amount).await
    }

    /// Tops a card up.
    ///
    /// # Errors
    /// It is refused, or the issuer can't be reached.
    pub async fn top_up(&self, card: CardNumber, amount: Amount) -> anyhow::Result<()> {
        let request = TopUpRequest {
            amount,
            reference: None,
        };
        let what = format!("cards/{}/top-up", card.0);
        self.write(&self.issuer, &what, &request).await?;
        Ok(())
    }

    /// A card, as the finalized chain shows it.
    ///
    /// # Errors
    /// There is none, or the issuer can't be reached.
    pub async fn card(&self, card: CardNumber) -> anyhow::Result<Card> {
        self.read(&format!("cards/{}", card.0)).await
    }

    /// A merchant, as the finalized chain shows it.
    ///
    /// # Errors
    /// There is none, or the issuer can't be reached.
    pub async fn merchant(&self, merchant: MerchantNumber) -> anyhow::Result<Merchant> {
        self.read(&format!("merchants/{}", merchant.0)).await
    }

    /// Closes a merchant's open cycle, and gives its statement.
    ///
    /// # Errors
    /// It is refused, or the issuer can't be reached.
    pub async fn close_cycle(&self, merchant: MerchantNumber) -> anyhow::Result<Statement> {
        let cycle = self.merchant(merchant).await?.cycle.number;
        let what = format!("merchants/{}/close-cycle", merchant.0);
        self.write(&self.issuer, &what, &CloseCycleRequest { cycle }).await?;
        self.read(&format!("merchants/{}/cycles/{cycle}", merchant.0)).await
    }

    /// What the contract holds for cards and merchants.
    ///
    /// # Errors
    /// The issuer or the chain can't be reached.
    pub async fn float(&self) -> anyhow::Result<Float> {
        let programme: CardProgrammeView = self.read("").await?;
        programme.float.context("the programme can't be read")
    }

    /// The chain's genesis hash, as `quittance card` and `quittance terminal` take it.
    pub fn genesis(&self) -> String {
        to_hex(&self.deployment.genesis_hash)
    }

    /// The issuer's index in the registry.
    pub const fn member(&self) -> Member {
        self.issuer.member
    }

    fn path(&self, what: &str) -> String {
        let slash = if what.is_empty() { "" } else { "/" };
        format!("/v1/prepaid/programmes/{}{slash}{what}", self.issuer.member)
    }
}

//! A prepaid card as a file: it stands for the chip. It holds the card's key and gives each payment a number of its own.
//!
//! **Invariant:** a counter is on disk as used before a signature with it leaves the card. So a crash can skip a counter,
//! which the contract doesn't mind, and never use one twice.
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use age::secrecy::SecretString;
use protocol::{
    prepaid::{domain, CardNumber, CardPayment, MerchantNumber},
    signing::Domain,
    AccountId, Amount, Signature, Timestamp,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::disk::{DiskError, Locked};
use crate::identity::{
    private_file::{self, PrivateFileError},
    KeyError, KeyFile, SigningKey,
};

/// Where the password of an encrypted card is looked for before asking its holder.
pub const CARD_PASSWORD_VARIABLE: &str = "QUITTANCE_CARD_PASSWORD";
/// The first counter of a card that replaces none.
pub const FIRST_COUNTER: u64 = 1;

const VERSION: u32 = 1;
/// How long another terminal may take that has the same card at the same time.
const PATIENCE: Duration = Duration::from_secs(10);

/// A card can't be made or used.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The file can't be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The file can't be used.
    #[error(transparent)]
    Private(#[from] PrivateFileError),
    /// The key in it can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file was replaced by another card's.
    #[error("{} holds another card's key than before: was the card replaced?", .0.display())]
    OtherCard(PathBuf),
    /// Every counter is used.
    #[error("{} has no counter left: the issuer replaces it", .0.display())]
    UsedUp(PathBuf),
}

/// What a card tells everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardFacts {
    /// Its number in the programme.
    pub number: CardNumber,
    /// Its sr25519 public key: what the issuer issues the card with.
    #[serde(with = "protocol::text::account")]
    pub key: AccountId,
    /// The hash of the genesis block of the issuer's chain.
    #[serde(with = "protocol::text::bytes")]
    pub genesis: [u8; 32],
    /// The issuer's contract there.
    #[serde(with = "protocol::text::account")]
    pub contract: AccountId,
    /// What its next payment will be numbered.
    pub next_counter: u64,
    /// Whether it asks for a password.
    pub is_encrypted: bool,
}

/// A card to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewCard {
    /// Its number in the programme.
    pub number: CardNumber,
    /// The hash of the genesis block of the issuer's chain.
    pub genesis: [u8; 32],
    /// The issuer's contract there.
    pub contract: AccountId,
    /// Above every counter of a card that it replaces.
    pub first_counter: u64,
}

/// What a card is asked to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Whom.
    pub merchant: MerchantNumber,
    /// The terminal's sr25519 public key.
    pub terminal: AccountId,
    /// In the asset's smallest unit.
    pub amount: Amount,
    /// The least that the merchant takes.
    pub least: Amount,
    /// In milliseconds since 1970.
    pub expires_at: Timestamp,
}

/// A card that is unlocked.
#[derive(Debug)]
pub struct Card {
    path: PathBuf,
    number: CardNumber,
    domain: Domain,
    key: SigningKey,
}

/// The file, as JSON with mode 0600.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    number: CardNumber,
    #[serde(with = "protocol::text::bytes")]
    genesis: [u8; 32],
    #[serde(with = "protocol::text::account")]
    contract: AccountId,
    next_counter: u64,
    key: KeyFile,
}

/// Makes a card with a new key, in a new file.
///
/// # Errors
/// The file exists already or can't be written, or encrypting failed.
pub fn make(path: &Path, card: NewCard, password: Option<SecretString>) -> Result<CardFacts, CardError> {
    let (key, _) = KeyFile::generate(password)?;
    let content = Content {
        version: VERSION,
        number: card.number,
        genesis: card.genesis,
        contract: card.contract,
        next_counter: card.first_counter,
        key,
    };
    private_file::write_new(path, &content.text(path)?)?;
    Ok(content.facts())
}

/// What a card tells without its password.
///
/// # Errors
/// The file can't be read, others can read it, or it is no card.
pub fn facts(path: &Path) -> Result<CardFacts, CardError> {
    Content::read(path).map(|content| content.facts())
}

impl Card {
    /// Unlocks a card; `password` is asked only when it is encrypted.
    ///
    /// # Errors
    /// The file can't be read, others can read it, it is no card, or its password is missing or wrong.
    pub fn unlock(path: &Path, password: impl FnOnce() -> Result<SecretString, KeyError>) -> Result<Self, CardError> {
        let content = Content::read(path)?;
        Ok(Self {
            path: path.to_owned(),
            number: content.number,
            domain: domain(content.genesis, content.contract),
            key: content.key.unlock(path, password)?,
        })
    }

    /// Its number in the programme.
    pub const fn number(&self) -> CardNumber {
        self.number
    }

    /// Where its signatures are valid.
    pub const fn domain(&self) -> Domain {
        self.domain
    }

    /// Numbers a payment and signs it. Waits for another process that uses the card at the same time.
    ///
    /// # Errors
    /// The file is in use, can't be read or written, is another card's now, or has no counter left.
    pub fn sign(&self, ask: Ask) -> Result<(CardPayment, Signature), CardError> {
        let counter = self.next_counter()?;
        let payment = CardPayment {
            card: self.number,
            counter,
            merchant: ask.merchant,
            terminal: ask.terminal,
            amount: ask.amount,
            least: ask.least,
            expires_at: ask.expires_at,
        };
        let signature = self.key.sign(&payment.payload(&self.domain));
        Ok((payment, signature))
    }

    fn next_counter(&self) -> Result<u64, CardError> {
        let mut file = Locked::take(&self.path, PATIENCE)?;
        let mut content = Content::read(&self.path)?;
        if content.key.public() != self.key.public() || content.number != self.number {
            return Err(CardError::OtherCard(self.path.clone()));
        }
        let counter = content.next_counter;
        let next = counter.checked_add(1);
        content.next_counter = next.ok_or_else(|| CardError::UsedUp(self.path.clone()))?;
        file.replace(content.text(&self.path)?.as_bytes())?;
        Ok(counter)
    }
}

impl Content {
    fn read(path: &Path) -> Result<Self, CardError> {
        let text = private_file::read(path)?;
        let content: Self = serde_json::from_str(&text).map_err(DiskError::json(path))?;
        if content.version != VERSION {
            let why = format!("version {}, this program reads version {VERSION}", content.version);
            let path = path.to_owned();
            return Err(DiskError::Content { path, why }.into());
        }
        Ok(content)
    }

    fn text(&self, path: &Path) -> Result<Zeroizing<String>, DiskError> {
        serde_json::to_string_pretty(self)
            .map(Zeroizing::new)
            .map_err(DiskError::json(path))
    }

    fn facts(&self) -> CardFacts {
        CardFacts {
            number: self.number,
            key: AccountId(self.key.public()),
            genesis: self.genesis,
            contract: self.contract,
            next_counter: self.next_counter,
            is_encrypted: self.key.is_encrypted(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, thread};

    use super::*;
    use crate::identity::verify;

    const ASK: Ask = Ask {
        merchant: MerchantNumber(3),
        terminal: AccountId([4; 32]),
        amount: 100,
        least: 100,
        expires_at: 1_000,
    };

    fn new_card(first_counter: u64) -> NewCard {
        NewCard {
            number: CardNumber(7),
            genesis: [1; 32],
            contract: AccountId([2; 32]),
            first_counter,
        }
    }

    fn clear(path: &Path, first_counter: u64) -> Card {
        make(path, new_card(first_counter), None).unwrap();
        Card::unlock(path, || panic!("no password is needed")).unwrap()
    }

    #[test]
    fn a_card_signs_what_it_is_asked_to_pay_with_one_counter_after_the_other() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("card.json");
        let card = clear(&path, FIRST_COUNTER);
        for counter in 1..=3 {
            let (payment, signature) = card.sign(ASK).unwrap();
            assert_eq!((payment.key(), payment.amount), ((CardNumber(7), counter), 100));
            let facts = facts(&path).unwrap();
            assert_eq!(facts.next_counter, counter + 1);
            assert!(verify(&facts.key.0, &payment.payload(&card.domain()), &signature));
        }
    }

    #[test]
    fn a_replacement_begins_above_the_counters_of_the_lost_card() {
        let place = tempfile::tempdir().unwrap();
        let card = clear(&place.path().join("card.json"), 42);
        assert_eq!(card.sign(ASK).unwrap().0.counter, 42);
    }

    #[test]
    fn a_counter_is_never_used_twice_however_many_processes_have_the_card() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("card.json");
        make(&path, new_card(FIRST_COUNTER), None).unwrap();
        let sign_some = || -> Vec<u64> {
            let card = Card::unlock(&path, || panic!("no password is needed")).unwrap();
            (0..10).map(|_| card.sign(ASK).unwrap().0.counter).collect()
        };
        let used: Vec<u64> = thread::scope(|scope| {
            let others: Vec<_> = (0..8).map(|_| scope.spawn(sign_some)).collect();
            others.into_iter().flat_map(|other| other.join().unwrap()).collect()
        });
        let distinct: BTreeSet<_> = used.iter().copied().collect();
        assert_eq!(distinct, (1..=80).collect());
        assert_eq!(used.len(), 80);
    }

    #[test]
    fn a_card_that_cannot_keep_its_counter_signs_nothing() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("card.json");
        let card = clear(&path, FIRST_COUNTER);
        // Nothing can be put where the new file is to be written.
        fs::create_dir(place.path().join(".card.json.new")).unwrap();
        assert!(matches!(card.sign(ASK), Err(CardError::Disk(DiskError::Write { .. }))));
        let last = clear(&place.path().join("last.json"), u64::MAX);
        assert!(matches!(last.sign(ASK), Err(CardError::UsedUp(_))));
    }

    #[test]
    fn a_card_cut_short_at_any_place_is_refused_and_says_nothing_of_its_key() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("card.json");
        let card = clear(&path, FIRST_COUNTER);
        let text = fs::read_to_string(&path).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let secret = json["key"]["secret"]["clear"].as_str().unwrap();
        for length in 0..text.len() {
            fs::write(&path, &text[..length]).unwrap();
            let error = card.sign(ASK).unwrap_err().to_string();
            assert!(!error.contains(&secret[2..12]), "{error}");
        }
        assert!(!format!("{card:?}").contains(&secret[2..12]));
    }

    #[test]
    fn another_cards_file_in_its_place_is_noticed() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("card.json");
        let card = clear(&path, FIRST_COUNTER);
        fs::remove_file(&path).unwrap();
        clear(&path, FIRST_COUNTER);
        assert!(matches!(card.sign(ASK), Err(CardError::OtherCard(_))));
    }

    #[test]
    fn a_card_that_others_can_read_is_refused_and_none_is_written_over() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("card.json");
        clear(&path, FIRST_COUNTER);
        assert!(matches!(
            make(&path, new_card(1), None),
            Err(CardError::Private(PrivateFileError::Write { .. }))
        ));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            facts(&path),
            Err(CardError::Private(PrivateFileError::TooOpen { .. }))
        ));
    }

    #[test]
    fn an_encrypted_card_opens_with_its_password_only() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("card.json");
        let made = make(&path, new_card(FIRST_COUNTER), Some(SecretString::from("1234"))).unwrap();
        assert!(made.is_encrypted);
        assert_eq!(facts(&path).unwrap(), made);
        let unlock = |word: &'static str| Card::unlock(&path, || Ok(SecretString::from(word)));
        assert!(matches!(
            unlock("4321"),
            Err(CardError::Key(KeyError::WrongPassword(_)))
        ));
        let card = unlock("1234").unwrap();
        card.sign(ASK).unwrap();
        assert_eq!(unlock("1234").unwrap().sign(ASK).unwrap().0.counter, 2);
    }
}

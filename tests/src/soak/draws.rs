//! What the steps of every contract are drawn from.
use std::fmt::Debug;

use proptest::{sample::select, strategy::Strategy};

/// Of some whole.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    Nothing,
    One,
    Half,
    All,
    Above,
}

impl Part {
    pub fn of(self, whole: u128) -> u128 {
        match self {
            Self::Nothing => 0,
            Self::One => 1,
            Self::Half => whole / 2,
            Self::All => whole,
            Self::Above => whole.saturating_add(1),
        }
    }
}

/// One of these.
pub fn of<T: Clone + Debug + 'static>(values: &[T]) -> impl Strategy<Value = T> + Clone {
    select(values.to_vec())
}

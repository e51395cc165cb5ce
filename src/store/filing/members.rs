//! Which of a thousand cases in a row belong to something: the value of a row that many cases share.

use std::collections::BTreeMap;

use crate::case::CaseId;
use crate::store::Error;

/// Cases side by side in one row.
pub(crate) const SPAN: u64 = 1024;
const WORDS: usize = 16;
const BITMAP: usize = 128;
/// From so many members on, a bitmap is shorter than a list.
const LIST: u32 = 63;

/// Members of one block: numbers `block * SPAN` and the [`SPAN`] - 1 after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members([u64; WORDS]);

/// Members by block. A block without any is not in it.
pub(crate) type Blocks = BTreeMap<u64, Members>;

/// The block of a case.
pub(crate) fn block(case: CaseId) -> u64 {
    case.0 / SPAN
}

impl Members {
    pub(crate) fn set(&mut self, case: CaseId, is_member: bool) {
        let place = case.0 % SPAN;
        let word = usize::try_from(place / 64).ok().and_then(|word| self.0.get_mut(word));
        if let Some(word) = word {
            let bit = 1 << (place % 64);
            if is_member { *word |= bit } else { *word &= !bit }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(crate) fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    #[must_use]
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
        self
    }

    #[must_use]
    pub(crate) fn or(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
        self
    }

    #[must_use]
    pub(crate) fn without(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= !other);
        self
    }

    /// The members of this block, lowest number first.
    pub(crate) fn cases(self, block: u64) -> impl DoubleEndedIterator<Item = CaseId> {
        let set = move |place: &u64| {
            let word = usize::try_from(place / 64).ok().and_then(|word| self.0.get(word));
            word.is_some_and(|word| word & (1 << (place % 64)) != 0)
        };
        (0..SPAN).filter(set).map(move |place| CaseId(block.saturating_mul(SPAN).saturating_add(place)))
    }

    /// As a value; `None` where there are no members.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        match self.len() {
            0 => None,
            few if few <= LIST => {
                let places = self.cases(0).map(|case| u16::try_from(case.0).unwrap_or_default());
                Some(places.flat_map(u16::to_be_bytes).collect())
            }
            _ => Some(self.0.iter().flat_map(|word| word.to_be_bytes()).collect()),
        }
    }

    /// The members in what [`encode`](Self::encode) wrote.
    pub(super) fn decode(value: &[u8]) -> Result<Self, Error> {
        let mut members = Self::default();
        if value.len() == BITMAP {
            let (words, _) = value.as_chunks::<8>();
            members.0.iter_mut().zip(words).for_each(|(word, bytes)| *word = u64::from_be_bytes(*bytes));
            return Ok(members);
        }
        let (places, rest) = value.as_chunks::<2>();
        if !rest.is_empty() || value.len() > BITMAP {
            return Err(Error::Broken("a row of members has a length that none has".into()));
        }
        for place in places {
            members.set(CaseId(u64::from(u16::from_be_bytes(*place))), true);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::btree_set;
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;

    fn of(numbers: &BTreeSet<u64>) -> Members {
        let mut members = Members::default();
        numbers.iter().for_each(|number| members.set(CaseId(*number), true));
        members
    }

    fn read(members: Members) -> BTreeSet<u64> {
        members.cases(0).map(|case| case.0).collect()
    }

    proptest! {
        #[test]
        fn members_are_a_set(one in btree_set(0..SPAN, 0..200), other in btree_set(0..SPAN, 0..40)) {
            for numbers in [&one, &other] {
                let members = of(numbers);
                prop_assert_eq!(&read(members), numbers);
                prop_assert_eq!(members.is_empty(), numbers.is_empty());
                let decoded = members.encode().map(|value| Members::decode(&value).unwrap());
                prop_assert_eq!(decoded, (!numbers.is_empty()).then_some(members));
            }
            let both = (of(&one), of(&other));
            prop_assert_eq!(read(both.0.and(&both.1)), one.intersection(&other).copied().collect());
            prop_assert_eq!(read(both.0.or(&both.1)), one.union(&other).copied().collect());
            prop_assert_eq!(read(both.0.without(&both.1)), one.difference(&other).copied().collect());
        }
    }

    #[test]
    fn a_value_of_another_length_is_an_error() {
        for length in [1, 3, 129, 130] {
            assert!(Members::decode(&vec![0; length]).is_err(), "{length}");
        }
    }
}

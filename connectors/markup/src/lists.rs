//! Lists of wikis whose entries begin with a sign for each list that they stand in: `*` for dots, `#` for numbers.

use crate::builder::{Builder, Container};

/// The lists in hand, by their signs.
#[derive(Default)]
pub(crate) struct Lists(Vec<char>);

impl Lists {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Begins the entry with these signs: it ends and begins the lists in which it does not and does stand.
    pub(crate) fn entry(&mut self, signs: &str, builder: &mut Builder) {
        let signs: Vec<char> = signs.chars().collect();
        let common = self.0.iter().zip(&signs).take_while(|(open, sign)| open == sign).count();
        self.end(common, builder);
        if signs.len() == common {
            builder.close();
            builder.open(Container::Item);
        }
        for sign in signs.into_iter().skip(common) {
            builder.open(Container::List((sign == '#').then_some(1)));
            builder.open(Container::Item);
            self.0.push(sign);
        }
    }

    /// Ends all but the outermost ones.
    pub(crate) fn end(&mut self, outermost: usize, builder: &mut Builder) {
        while self.0.len() > outermost {
            self.0.pop();
            builder.close();
            builder.close();
        }
    }
}

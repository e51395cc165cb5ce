//! What is looked for: the wanted classes, and nothing else.

use super::super::super::folded::Folded;
use super::super::super::terms::Class;
use super::super::{Listed, Pattern, Recognizers};

const TEXT: &str = "ada@northwind.example, +49 30 901820, DE89 3704 0044 0532 0130 00, card 4111 1111 1111 1111, \
                    192.168.14.23, SSN 044-57-4232, Ada Lovelace of Northwind Traders, AT-4711";

/// What a party lets pass is not even looked for: it is neither taken out nor counted as if it were.
#[test]
fn each_class_is_looked_for_only_where_it_is_wanted() {
    let listed = |name: &str| [Listed { name: name.to_owned(), others: Vec::new() }];
    let patterns = vec![Pattern::new("asset", "at-[0-9]{4}").unwrap()];
    let recognizers =
        Recognizers::new(&listed("Ada Lovelace"), &listed("Northwind Traders"), patterns).unwrap();
    let folded = Folded::of(TEXT);
    let classes = || {
        let own = Class::Pattern("asset".to_owned());
        Class::BUILT_IN.into_iter().chain([own])
    };
    for class in classes() {
        let alone = recognizers.find(&folded, |wanted| *wanted == class);
        assert!(!alone.is_empty(), "{class}");
        assert!(alone.iter().all(|found| found.class == class), "{class}: {alone:?}");
        let others = recognizers.find(&folded, |wanted| *wanted != class);
        assert!(others.iter().all(|found| found.class != class), "{class}: {others:?}");
        let all = recognizers.find(&folded, |_| true);
        assert_eq!(all.len(), alone.len() + others.len(), "{class}");
    }
    assert_eq!(recognizers.find(&folded, |_| false), []);
}

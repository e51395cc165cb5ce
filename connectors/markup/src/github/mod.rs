//! Markdown as GitHub and GitLab keep it, where names, numbers and commands in text act.

use crate::loss::{Loss, Losses, Text};
use crate::markdown::{Flavor, parse, print, print_as, read_hosted};
use crate::normal;
use crate::plain;
use crate::tree::{Block, Inline};

/// What people wrote on a forge as canonical text. A picture that only an address tells becomes a link.
pub fn read(markdown: &str) -> Text {
    read_with(markdown, &|_| None)
}

/// As [`read`]; `images` says which of the ticket's files an address shows.
pub fn read_with(markdown: &str, images: &dyn Fn(&str) -> Option<String>) -> Text {
    let (tree, losses) = read_hosted(markdown, images);
    losses.with(print(&tree))
}

/// Canonical text as a forge's Markdown in which nothing calls a person, points to a record or gives a command.
///
/// An invisible character stands where a name or number would act; `read` takes it out. Pictures are told by name.
pub fn write(text: &str) -> Text {
    write_with(text, &|_| None)
}

/// As [`write`]; `images` gives the address that shows a file of the ticket.
pub fn write_with(text: &str, images: &dyn Fn(&str) -> Option<String>) -> Text {
    let mut losses = Losses::default();
    let mut tree = parse(text);
    name_pictures(&mut tree, images, &mut losses);
    let mut tree = normal::blocks(tree);
    address_pictures(&mut tree, images);
    losses.with(print_as(&tree, Flavor::Hosted))
}

/// Puts its name in the place of each picture that nothing can show.
fn name_pictures(blocks: &mut [Block], images: &dyn Fn(&str) -> Option<String>, losses: &mut Losses) {
    each_part(blocks, &mut |part| {
        if let Inline::Image { name, alt } = part
            && images(name).is_none()
        {
            losses.add(Loss::Image);
            *part = Inline::plain(plain::picture(name, alt));
        }
    });
}

fn address_pictures(blocks: &mut [Block], images: &dyn Fn(&str) -> Option<String>) {
    each_part(blocks, &mut |part| {
        if let Inline::Image { name, .. } = part
            && let Some(address) = images(name)
        {
            *name = address;
        }
    });
}

fn each_part(blocks: &mut [Block], change: &mut dyn FnMut(&mut Inline)) {
    for block in blocks {
        match block {
            Block::Paragraph(content) | Block::Heading { content, .. } => {
                content.iter_mut().for_each(&mut *change)
            }
            Block::List { items, .. } => items.iter_mut().for_each(|item| each_part(item, change)),
            Block::Quote(inner) => each_part(inner, change),
            Block::Code { .. } | Block::Rule => {}
        }
    }
}

#[cfg(test)]
mod tests;

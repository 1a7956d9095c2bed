use tar::{Builder, EntryType, Header};

use super::*;
use crate::data::{
    idx::tests::{encode, pack},
    official::Content,
    raw::Split,
};

static FILES: [OfficialFile; 3] = [
    labels("first", Split::Train, &[2]),
    labels("second", Split::Train, &[1]),
    labels("third", Split::Test, &[1]),
];

#[test]
fn files_are_put_in_order_whatever_the_order_of_the_archive() {
    let archive = pack(&tar_of(&[
        ("folder/third", &encode(&[1], &[3])),
        ("folder/readme", b"text"),
        ("folder/second", &encode(&[1], &[2])),
        ("folder/first", &encode(&[2], &[0, 1])),
    ]));
    let splits = decode(&mut &archive[..], &FILES, 4).expect("a whole archive");
    assert_eq!(splits.train.labels, [0, 1, 2]);
    assert_eq!(splits.test.labels, [3]);
}

#[test]
fn archives_of_something_else_are_refused() {
    let (first, second, third) = (
        encode(&[2], &[0, 1]),
        encode(&[1], &[2]),
        encode(&[1], &[3]),
    );
    let all = [
        ("first", &first[..]),
        ("second", &second),
        ("third", &third),
    ];
    let whole = pack(&tar_of(&all));
    let with = |index: usize, content: &[u8]| {
        let mut files = all;
        files[index].1 = content;
        pack(&tar_of(&files))
    };
    let mut wrong_sum = whole.clone();
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    let bomb = pack(&[tar_of(&all), vec![0; 3 << 20]].concat());
    for (archive, expected) in [
        (Vec::new(), "not gzipped"),
        (tar_of(&all), "not gzipped"),
        (pack(b""), "no first"),
        (pack(b"no archive"), "damaged data"),
        (pack(&[b'x'; 2000]), "damaged data"),
        (whole[..whole.len() / 2].to_vec(), "damaged"),
        (wrong_sum, "damaged data"),
        ([&whole[..], &[0]].concat(), "more bytes after it"),
        (bomb, "more than"),
        (pack(&tar_of(&all[..2])), "no third"),
        (pack(&tar_of(&[all[0], all[1], all[1]])), "second twice"),
        (with(1, &second[..8]), "in second, found 0 of 1 bytes"),
        (
            with(2, &encode(&[1], &[4])),
            "labels below 4 in third, found 4 for image 0",
        ),
    ] {
        match decode(&mut &archive[..], &FILES, 4) {
            Err(Flaw::Content {
                expected: wanted,
                found,
            }) => {
                let text = format!("expected {wanted}, found {found}");
                assert!(text.contains(expected), "{text:?} lacks {expected:?}");
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn a_link_is_not_taken_for_a_file() {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Symlink);
    header.set_size(0);
    let mut archive = Builder::new(Vec::new());
    archive
        .append_link(&mut header, "first", "/etc/hostname")
        .expect("a vector takes all");
    let packed = pack(&archive.into_inner().expect("a vector takes all"));
    let result = decode(&mut &packed[..], &FILES, 4);
    assert!(matches!(result, Err(Flaw::Content { found, .. }) if found == "no first"));
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, path, *content)
            .expect("a vector takes all");
    }
    archive.into_inner().expect("a vector takes all")
}

const fn labels(name: &'static str, split: Split, dimensions: &'static [usize]) -> OfficialFile {
    OfficialFile {
        name,
        content: Content::Idx { split, dimensions },
        plain_md5: None,
        packed: None,
        boxed: None,
    }
}

use std::io::{self, BufRead};

use md5::{Digest, Md5};

/// md5 sum of all of `source`, in lower-case hexadecimal digits.
pub(super) fn md5(mut source: impl BufRead) -> io::Result<String> {
    let mut digest = Md5::new();
    loop {
        let block = match source.fill_buf() {
            Ok(block) => block,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if block.is_empty() {
            break;
        }
        digest.update(block);
        let read = block.len();
        source.consume(read);
    }
    Ok(digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sums are those of RFC 1321, appendix A.5.
    #[test]
    fn md5_sums_are_those_of_the_standard() {
        for (text, sum) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ] {
            assert_eq!(md5(text.as_bytes()).expect("a slice"), sum);
        }
    }
}

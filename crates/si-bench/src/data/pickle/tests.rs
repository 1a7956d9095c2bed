use proptest::prelude::*;

use super::*;

/// `{"data": numpy.array([[1, 2], [3, 4], [5, 255]], "uint8"), "labels": [7, -1, 1 << 40]}`, as
/// Python 3.11 and NumPy 2.4 dump it in protocol 2.
const DUMPED: &[u8] = b"\x80\x02}q\x00(X\x04\x00\x00\x00dataq\x01cnumpy._core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85q\x04c_codecs\nencode\nq\x05X\x01\x00\x00\x00bq\x06X\x06\x00\x00\x00latin1q\x07\x86q\x08Rq\x09\x87q\nRq\x0b(K\x01K\x03K\x02\x86q\x0ccnumpy\ndtype\nq\x0dX\x02\x00\x00\x00u1q\x0e\x89\x88\x87q\x0fRq\x10(K\x03X\x01\x00\x00\x00|q\x11NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x12b\x89h\x05X\x07\x00\x00\x00\x01\x02\x03\x04\x05\xc3\xbfq\x13h\x07\x86q\x14Rq\x15tq\x16bX\x06\x00\x00\x00labelsq\x17]q\x18(K\x07J\xff\xff\xff\xff\x8a\x06\x00\x00\x00\x00\x00\x01eu.";

#[test]
fn what_python_dumps_is_read() {
    let mut value = parse(DUMPED).expect("a whole pickle");
    let labels = [7, -1, 1 << 40].map(Value::Int).to_vec();
    assert_eq!(value.take("labels"), Some(Value::List(labels)));
    let array = Array {
        shape: vec![3, 2],
        bytes: vec![1, 2, 3, 4, 5, 255].into(),
        is_fortran: false,
    };
    assert_eq!(value.take("data"), Some(Value::Array(array)));
    assert_eq!(value.take("data"), None);
}

#[test]
fn a_pickle_that_names_a_function_is_refused() {
    let file = b"\x80\x02cos\nsystem\nq\x00X\x04\x00\x00\x00trueq\x01\x85q\x02Rq\x03.";
    assert_refused(file, "the foreign name \"os\", \"system\" (at byte 2)");
}

#[test]
fn what_is_not_understood_is_refused() {
    let nested = [&b"\x80\x02"[..], &b"K\x00"[..], &[0x85; 9][..], b"."].concat();
    for (file, expected) in [
        (&b""[..], "cut off"),
        (b"<!DOCTYPE html>", "no pickle of protocol 2"),
        (b"\x80\x04N.", "no pickle of protocol 2"),
        (b"\x80\x02N", "cut off"),
        (b"\x80\x02N.N", "more bytes"),
        (b"\x80\x02NN.", "other than one value"),
        (b"\x80\x02.", "other than one value"),
        (b"\x80\x02t.", "without its operands"),
        (b"\x80\x02(\x85.", "without its operands"),
        (b"\x80\x02NNa.", "without its list"),
        (b"\x80\x02NNNs.", "without its dictionary"),
        (b"\x80\x02}(Nu.", "a key without a value"),
        (b"\x80\x02h\x00.", "second use of object 0"),
        (b"\x80\x02]q\x00h\x00.", "second use of object 0"),
        (b"\x80\x02q\x00.", "without its operands"),
        (b"\x80\x02T\xff\xff\xff\xff.", "cut off"),
        (b"\x80\x02X\x01\x00\x00\x00\xff.", "UTF-8"),
        (b"\x80\x02\x8a\x09123456789.", "eight bytes"),
        (b"\x80\x02cnumpy", "a name without an end"),
        (b"\x80\x02N)R.", "a call of something else"),
        (b"\x80\x02cnumpy\nndarray\n)R.", "a call of NdArray"),
        (b"\x80\x02cnumpy\ndtype\nU\x02f8\x85R.", "other elements"),
        (b"\x80\x02NNb.", "a state"),
        (b"\x80\x02I1\n.", "the operation 0x49 (at byte 2)"),
        (&nested, "nested more than 4 deep"),
    ] {
        assert_refused(file, expected);
    }
}

#[test]
fn an_array_needs_as_many_bytes_as_its_shape_says() {
    let state = |shape: &[u8]| {
        let mut file = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n".to_vec();
        file.extend(b"K\x00\x85N\x87R(K\x01");
        file.extend(shape);
        file.extend(b"cnumpy\ndtype\nU\x02u1\x85R\x89U\x02abtb.");
        file
    };
    assert!(parse(&state(b"K\x02\x85")).is_ok());
    assert_refused(&state(b"K\x03\x85"), "the shape [3] in 2 bytes");
    assert_refused(&state(b"J\xff\xff\xff\xff\x85"), "without a shape");
    let huge = b"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40";
    assert_refused(&state(&[&huge[..], huge, b"\x86"].concat()), "in 2 bytes");
}

#[test]
fn a_flood_of_values_is_refused() {
    for opcode in [b'N', b'(', b']'] {
        let file = [&[0x80, 2][..], &vec![opcode; 2_000_000], b"."].concat();
        assert_refused(&file, "more than 1048576 values");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&[&[0x80, 2][..], &bytes].concat());
    }

    #[test]
    fn a_mutated_pickle_is_parsed_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in any::<prop::sample::Index>(),
    ) {
        let mut file = DUMPED.to_vec();
        for (index, value) in changes {
            let index = index.index(file.len());
            file[index] = value;
        }
        let _ = parse(&file);
        let _ = parse(&file[..length.index(file.len())]);
    }
}

fn assert_refused(file: &[u8], expected: &str) {
    let found = parse(file).expect_err(expected);
    assert!(found.contains(expected), "{found:?} lacks {expected:?}");
}

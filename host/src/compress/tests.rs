//! What goes in comes out, and what is too much or broken does not.

use proptest::prelude::*;

use super::*;

const BOTH: [Compression; 2] = [Compression::Snappy, Compression::Lz4];

fn unpacked(compression: Compression, packed: &[u8], most: usize) -> Result<Vec<u8>, Error> {
    let mut out = b"before".to_vec();
    compression.unpack(packed, most, &mut out)?;
    Ok(out.strip_prefix(b"before").expect("what was there stays").to_vec())
}

#[test]
fn a_value_of_exactly_the_limit_is_unpacked_and_one_byte_more_is_not() {
    let plain = vec![b'x'; 300_000];
    for compression in BOTH {
        let packed = compression.pack(&plain);
        assert!(packed.len() < plain.len() / 10, "{compression:?} packs well");
        assert_eq!(unpacked(compression, &packed, plain.len()), Ok(plain.clone()));
        assert_eq!(unpacked(compression, &packed, plain.len() - 1), Err(Error::TooLarge));
    }
}

#[test]
fn a_length_that_is_a_lie_takes_no_memory() {
    // A block of 4 GiB in five bytes of length and one of text.
    let bomb = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, b'x'];
    assert_eq!(unpacked(Compression::Snappy, &bomb, 1 << 20), Err(Error::TooLarge));
    // And one that holds less than it says.
    assert_eq!(unpacked(Compression::Snappy, &[9, 0, b'x'], 1 << 20), Err(Error::Broken));
}

#[test]
fn a_bomb_of_many_blocks_is_stopped_at_the_limit() {
    let packed = Compression::Lz4.pack(&vec![0; 64 << 20]);
    let mut out = Vec::new();
    assert_eq!(Compression::Lz4.unpack(&packed, 1 << 20, &mut out), Err(Error::TooLarge));
    assert!(out.len() <= (1 << 20) + 1, "{} bytes", out.len());
}

#[test]
fn bytes_that_are_not_packed_so_are_broken() {
    for compression in BOTH {
        for bytes in [&b"{\"a\":1}"[..], b"", b"\x00\x00\x00\x00\x07", b"\xff\xff"] {
            assert_eq!(unpacked(compression, bytes, 1 << 20), Err(Error::Broken), "{bytes:?}");
        }
        let other = BOTH.into_iter().find(|other| *other != compression).unwrap();
        let packed = other.pack(b"{\"some\":\"value\",\"and\":\"more of it\"}");
        assert_eq!(unpacked(compression, &packed, 1 << 20), Err(Error::Broken));
    }
}

#[test]
fn what_follows_a_frame_is_not_lost_in_silence() {
    let mut packed = Compression::Lz4.pack(b"{}");
    packed.extend_from_slice(&Compression::Lz4.pack(b"{}"));
    assert_eq!(unpacked(Compression::Lz4, &packed, 1 << 20), Err(Error::Broken));
}

#[test]
fn frames_of_other_writers_are_read() {
    // As Go's pierrec/lz4 writes: blocks of 4 MB that stand alone, one uncompressed, with a checksum of the content.
    let frame = [
        0x04, 0x22, 0x4d, 0x18, 0x64, 0x70, 0xb9, 0x02, 0x00, 0x00, 0x80, b'{', b'}', 0x00, 0x00,
        0x00, 0x00,
    ];
    let mut whole = frame.to_vec();
    whole.extend_from_slice(&CHECKSUM_OF_EMPTY_OBJECT);
    assert_eq!(unpacked(Compression::Lz4, &whole, 100), Ok(b"{}".to_vec()));
    let last = whole.len() - 1;
    whole[last] ^= 1;
    assert_eq!(unpacked(Compression::Lz4, &whole, 100), Err(Error::Broken));
}

/// XXH32 of `{}`, little-endian.
const CHECKSUM_OF_EMPTY_OBJECT: [u8; 4] = [0x89, 0x34, 0x47, 0x18];

proptest! {
    #[test]
    fn any_value_comes_back(plain in proptest::collection::vec(any::<u8>(), 0..5_000)) {
        for compression in BOTH {
            let packed = compression.pack(&plain);
            prop_assert_eq!(unpacked(compression, &packed, plain.len()), Ok(plain.clone()));
        }
    }

    #[test]
    fn no_bytes_break_it_or_pass_the_limit(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for compression in BOTH {
            if let Ok(plain) = unpacked(compression, &bytes, 1_000) {
                prop_assert!(plain.len() <= 1_000);
            }
        }
    }
}

//! How TiCDC packs values: snappy's block without a frame, and LZ4's frame. Pure, and bounded by what the caller allows; knows
//! neither records nor JSON.

use std::io::{Read as _, Write as _};

use lz4_flex::frame::{BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

/// How values are compressed inside records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Compression {
    /// One block, without a frame.
    Snappy,
    /// The LZ4 frame format.
    Lz4,
}

/// Why a value could not be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// These bytes are not packed this way, or some of them are missing.
    Broken,
    /// It would have more bytes than are allowed.
    TooLarge,
}

/// What an LZ4 frame begins with.
const LZ4_MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

impl Compression {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
        }
    }

    /// Appends what `packed` holds to `out`: at most `most` bytes. After an error `out` may end with a part of it.
    ///
    /// # Errors
    ///
    /// See [`Error`]. Never more than `most` bytes, and the few megabytes of one block, are held meanwhile.
    pub fn unpack(self, packed: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Snappy => unpack_snappy(packed, most, out),
            Self::Lz4 => unpack_lz4(packed, most, out),
        }
    }

    /// Packs `plain`, so that TiCDC's own consumer unpacks it.
    pub fn pack(self, plain: &[u8]) -> Vec<u8> {
        match self {
            Self::Snappy => snap::raw::Encoder::new()
                .compress_vec(plain)
                .expect("snappy takes up to 4 GiB, and no record is so large"),
            Self::Lz4 => pack_lz4(plain),
        }
    }
}

fn unpack_snappy(packed: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    // The length stands first, so that nothing need be unpacked to know it; what follows is held to it.
    let length = snap::raw::decompress_len(packed).map_err(|_| Error::Broken)?;
    if length > most {
        return Err(Error::TooLarge);
    }
    let start = out.len();
    out.resize(start + length, 0);
    let place = out.get_mut(start..).unwrap_or_default();
    let written = snap::raw::Decoder::new().decompress(packed, place);
    written.map(drop).map_err(|_| Error::Broken)
}

fn unpack_lz4(packed: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    if !packed.starts_with(&LZ4_MAGIC) {
        return Err(Error::Broken);
    }
    let start = out.len();
    let mut decoder = FrameDecoder::new(packed);
    let allowed = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    (&mut decoder).take(allowed).read_to_end(out).map_err(|_| Error::Broken)?;
    if out.len() - start > most {
        return Err(Error::TooLarge);
    }
    // What stands behind the frame would be lost if the value were packed again.
    if decoder.get_ref().is_empty() { Ok(()) } else { Err(Error::Broken) }
}

fn pack_lz4(plain: &[u8]) -> Vec<u8> {
    // Frames of as many blocks as they need, with a checksum at the end, as TiCDC's library writes them.
    let info = FrameInfo::new().block_size(BlockSize::Auto).content_checksum(true);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(plain).expect("memory takes every write");
    encoder.finish().expect("memory takes every write")
}

#[cfg(test)]
mod tests;

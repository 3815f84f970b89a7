//! Decimal text of any length, exactly: its canonical form and its floor. Pure; nothing here knows binary floats.

/// The most digits that an exponent may spread a number over: those of the smallest double, and room for wider decimals.
const WIDEST: usize = 4096;

/// A decimal number by its parts. Its value is `integer` and `fraction` around the point, times ten to the `exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    integer: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Decimal<'a> {
    /// Reads digits with a sign, a point and an exponent; none for other text, and for an exponent beyond counting.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
            None => (text, 0),
        };
        let unsigned = mantissa.strip_prefix('-');
        let (integer, fraction) = match unsigned.unwrap_or(mantissa).split_once('.') {
            Some((_, "")) => return None,
            Some((integer, fraction)) => (integer, fraction),
            None => (unsigned.unwrap_or(mantissa), ""),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = !integer.is_empty() && digits(integer) && digits(fraction);
        fits.then_some(Self { negative: unsigned.is_some(), integer, fraction, exponent })
    }

    /// As [`Decimal::parse`], but for text that people take for a number: no exponent, and no zeros before it, which make
    /// `007` another code than `7`.
    pub(crate) fn parse_plain(text: &'a str) -> Option<Self> {
        let plain = Self::parse(text)?;
        let leading = plain.integer.len() > 1 && plain.integer.starts_with('0');
        (!leading && !text.contains(['e', 'E'])).then_some(plain)
    }

    /// The one spelling of its value: no exponent, no zeros that could be left out, no sign before zero.
    pub(crate) fn canonical(&self) -> String {
        let all = [self.integer, self.fraction].concat();
        let significant = all.trim_start_matches('0');
        // Where the point stands among the significant digits.
        let leading = i64::try_from(all.len() - significant.len()).unwrap_or(i64::MAX);
        let integer = i64::try_from(self.integer.len()).unwrap_or(i64::MAX);
        let point = (integer - leading).saturating_add(self.exponent);
        let digits = significant.trim_end_matches('0');
        if digits.is_empty() {
            return "0".into();
        }
        let sign = if self.negative { "-" } else { "" };
        let spread = usize::try_from(point.unsigned_abs()).unwrap_or(usize::MAX);
        if spread > WIDEST {
            return format!("{sign}{digits}e{point}");
        }
        if point <= 0 {
            return format!("{sign}0.{}{digits}", "0".repeat(spread));
        }
        match digits.split_at_checked(spread) {
            Some((integer, "")) => format!("{sign}{integer}"),
            Some((integer, fraction)) => format!("{sign}{integer}.{fraction}"),
            None => format!("{sign}{digits}{}", "0".repeat(spread - digits.len())),
        }
    }

    /// The largest multiple of `bucket` that is no larger, with as many decimals, all zero; none where the exponent spreads it over
    /// too many digits to write.
    pub(crate) fn floor(&self, bucket: u64) -> Option<String> {
        let (mut digits, rest) = self.whole()?;
        let bucket = u128::from(bucket);
        let mut over =
            digits.iter().fold(0, |over, digit| (over * 10 + u128::from(*digit)) % bucket);
        let exact = over == 0 && rest.bytes().all(|digit| digit == b'0');
        subtract(&mut digits, over);
        if self.negative && !exact {
            over = bucket;
            add(&mut digits, over);
        }
        let text: String = digits.iter().map(|digit| char::from(digit + b'0')).collect();
        let text = match text.trim_start_matches('0') {
            "" => "0",
            text => text,
        };
        let sign = if self.negative && text != "0" { "-" } else { "" };
        let decimals = if self.exponent == 0 { self.fraction.len() } else { 0 };
        let point = if decimals > 0 { "." } else { "" };
        Some(format!("{sign}{text}{point}{}", "0".repeat(decimals)))
    }

    /// The digits before the point, once the exponent is carried out, and the text of those after it.
    fn whole(&self) -> Option<(Vec<u8>, String)> {
        let all = [self.integer, self.fraction].concat();
        let point = i64::try_from(self.integer.len()).ok()?.checked_add(self.exponent)?;
        let point = usize::try_from(point.max(0)).ok()?;
        if point > all.len().max(WIDEST) {
            return None;
        }
        let values = |text: &str| text.bytes().map(|digit| digit - b'0').collect::<Vec<u8>>();
        Some(match all.split_at_checked(point) {
            Some((integer, fraction)) => (values(integer), fraction.to_owned()),
            None => {
                let mut digits = values(&all);
                digits.resize(point, 0);
                (digits, String::new())
            }
        })
    }
}

/// Takes `small`, which is no larger, away from a number given by its digits.
fn subtract(digits: &mut [u8], mut small: u128) {
    for digit in digits.iter_mut().rev() {
        let taken = u8::try_from(small % 10).unwrap_or(0);
        small /= 10;
        if *digit < taken {
            *digit += 10;
            small += 1;
        }
        *digit -= taken;
    }
}

/// Adds `small` to a number given by its digits.
fn add(digits: &mut Vec<u8>, mut small: u128) {
    for digit in digits.iter_mut().rev() {
        small += u128::from(*digit);
        *digit = u8::try_from(small % 10).unwrap_or(0);
        small /= 10;
    }
    while small > 0 {
        digits.insert(0, u8::try_from(small % 10).unwrap_or(0));
        small /= 10;
    }
}

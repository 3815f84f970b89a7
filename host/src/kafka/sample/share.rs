//! How a number of records is shared out among topics and partitions of different sizes. Pure.

/// How much each of `sizes` gets of `limit`: all alike, except that nobody gets more than it has, and what it leaves goes to the
/// others. In the order of `sizes`.
pub(super) fn fair(sizes: &[u64], limit: u64) -> Vec<u64> {
    let mut ascending: Vec<(usize, u64)> = sizes.iter().copied().enumerate().collect();
    ascending.sort_by_key(|(_, size)| *size);
    let (mut left, mut waiting) = (limit, u64::try_from(sizes.len()).unwrap_or(u64::MAX));
    for (_, size) in &mut ascending {
        *size = (*size).min(left / waiting.max(1));
        left -= *size;
        waiting -= 1;
    }
    ascending.sort_by_key(|(at, _)| *at);
    ascending.into_iter().map(|(_, share)| share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_small_ones_leave_goes_to_the_large_ones() {
        assert_eq!(fair(&[500, 3, 0, 900], 103), [50, 3, 0, 50]);
    }

    #[test]
    fn nobody_gets_more_than_it_has() {
        assert_eq!(fair(&[2, 1], 1_000), [2, 1]);
        assert_eq!(fair(&[], 1_000), [0; 0]);
    }

    #[test]
    fn the_whole_limit_is_given_out_where_there_are_more_askers() {
        assert_eq!(fair(&[9, 9, 9, 9, 9], 3).iter().sum::<u64>(), 3);
    }
}

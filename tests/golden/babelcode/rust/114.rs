pub fn min_sub_array_sum(nums: Vec<i64>) -> i64 {
    let mut least = nums[0];
    let mut ending = 0;
    for number in nums {
        if ending < 0 {
            ending += number;
        } else {
            ending = number;
        }
        if ending < least {
            least = ending;
        }
    }
    least
}

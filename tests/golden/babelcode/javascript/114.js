function minSubArraySum(nums) {
    let least = nums[0];
    let ending = 0;
    for (const number of nums) {
        ending = Math.min(ending + number, number);
        least = Math.min(least, ending);
    }
    return least;
}

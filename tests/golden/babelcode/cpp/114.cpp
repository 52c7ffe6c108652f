long long minSubArraySum(vector<long long> nums) {
    long long best = nums[0], ending = 0;
    for (long long x : nums) {
        ending = min(ending, 0LL) + x;
        best = min(best, ending);
    }
    return best;
}

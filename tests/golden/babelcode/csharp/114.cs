class Solution {
    public long MinSubArraySum(List<long> nums) {
        long best = nums[0], ending = 0;
        foreach (long x in nums) {
            ending = Math.Min(ending, 0) + x;
            best = Math.Min(best, ending);
        }
        return best;
    }
}

class Solution {
    public Long minSubArraySum(ArrayList<Long> nums) {
        long best = nums.get(0), ending = 0;
        for (long x : nums) {
            ending = Math.min(ending, 0) + x;
            best = Math.min(best, ending);
        }
        return best;
    }
}

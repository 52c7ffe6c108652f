fun minSubArraySum(nums: ArrayList<Long>): Long {
    var best = nums[0]
    var ending = 0L
    for (x in nums) {
        ending = minOf(ending, 0L) + x
        best = minOf(best, ending)
    }
    return best
}

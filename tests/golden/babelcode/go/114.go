func minSubArraySum(nums []int64) int64 {
	least, ending := nums[0], int64(0)
	for _, number := range nums {
		if ending < 0 {
			ending += number
		} else {
			ending = number
		}
		if ending < least {
			least = ending
		}
	}
	return least
}

class Solution {
    public List<string> LargestSmallestIntegers(List<int> lst) {
        var negative = lst.Where(x => x < 0).ToList();
        var positive = lst.Where(x => x > 0).ToList();
        return new List<string> {
            negative.Count > 0 ? negative.Max().ToString() : "",
            positive.Count > 0 ? positive.Min().ToString() : ""
        };
    }
}

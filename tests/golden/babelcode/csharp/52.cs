class Solution {
    public bool BelowThreshold(List<int> l, int t) {
        return l.All(x => x < t);
    }
}

class Solution {
    public List<int> GetPositive(List<int> l) {
        return l.FindAll(x => x > 0);
    }
}

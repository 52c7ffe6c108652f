class Solution {
    public int SumSquares(List<float> lst) {
        return lst.Select(x => (int)Math.Ceiling(x)).Sum(up => up * up);
    }
}

class Solution {
    public int DoubleTheDifference(List<float> lst) {
        return lst.Where(x => x > 0 && x % 2 == 1).Sum(x => (int)(x * x));
    }
}

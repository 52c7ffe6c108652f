class Solution {
    public int MaxElement(List<int> l) {
        return l.Max();
    }
}

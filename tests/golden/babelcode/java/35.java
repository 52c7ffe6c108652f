class Solution {
    public Integer maxElement(ArrayList<Integer> l) {
        return Collections.max(l);
    }
}

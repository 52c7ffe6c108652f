class Solution {
    public Boolean belowThreshold(ArrayList<Integer> l, Integer t) {
        return l.stream().allMatch(x -> x < t);
    }
}

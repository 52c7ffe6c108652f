class Solution {
    public ArrayList<Integer> getPositive(ArrayList<Integer> l) {
        ArrayList<Integer> positive = new ArrayList<>();
        for (int x : l) {
            if (x > 0) positive.add(x);
        }
        return positive;
    }
}

class Solution {
    public Integer sumSquares(ArrayList<Float> lst) {
        int sum = 0;
        for (float x : lst) {
            int up = (int) Math.ceil(x);
            sum += up * up;
        }
        return sum;
    }
}

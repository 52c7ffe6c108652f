class Solution {
    public Integer doubleTheDifference(ArrayList<Float> lst) {
        int sum = 0;
        for (float x : lst) {
            if (x > 0 && x % 2 == 1) sum += (int) (x * x);
        }
        return sum;
    }
}

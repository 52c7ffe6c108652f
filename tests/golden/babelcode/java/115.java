class Solution {
    public Integer maxFill(ArrayList<ArrayList<Integer>> grid, Integer capacity) {
        int times = 0;
        for (ArrayList<Integer> well : grid) {
            int water = 0;
            for (int unit : well) water += unit;
            times += (water + capacity - 1) / capacity;
        }
        return times;
    }
}

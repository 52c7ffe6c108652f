class Solution {
    public int MaxFill(List<List<int>> grid, int capacity) {
        return grid.Sum(well => (well.Sum() + capacity - 1) / capacity);
    }
}

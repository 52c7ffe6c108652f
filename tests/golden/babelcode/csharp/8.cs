class Solution {
    public List<int> SumProduct(List<int> numbers) {
        return new List<int> { numbers.Sum(), numbers.Aggregate(1, (product, n) => product * n) };
    }
}

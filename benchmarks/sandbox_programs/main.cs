using System;
using System.Collections.Generic;
using System.Linq;
using System.Web.Script.Serialization;

class Solution {
    public List<int> ParseNestedParens(string text) {
        var found = new List<int>();
        foreach (var group in text.Split(' ').Where(group => group != "")) {
            int level = 0, deepest = 0;
            foreach (var letter in group) {
                if (letter == '(') {
                    level++;
                    deepest = Math.Max(level, deepest);
                } else {
                    level--;
                }
            }
            found.Add(deepest);
        }
        return found;
    }

    public Dictionary<string, int> Histogram(string words) {
        var counts = new Dictionary<string, int>();
        foreach (var word in words.Split(' ').Where(word => word != "")) {
            int count;
            counts.TryGetValue(word, out count);
            counts[word] = count + 1;
        }
        int most = counts.Values.DefaultIfEmpty(0).Max();
        return counts.Where(pair => pair.Value == most).ToDictionary(pair => pair.Key, pair => pair.Value);
    }
}

class Program {
    static void Report(int index, Func<object> call) {
        string told;
        try {
            told = "value " + new JavaScriptSerializer().Serialize(call());
        } catch (Exception error) {
            told = "raised " + error.GetType().Name;
        }
        Console.Out.Write("\nSALT " + index + " " + told + "\n");
        Console.Out.Flush();
    }

    static void Main() {
        Report(0, () => new Solution().ParseNestedParens("(()()) ((())) () ((())()())"));
        Report(1, () => new Solution().ParseNestedParens("() (()) ((())) (((())))"));
        Report(2, () => new Solution().ParseNestedParens("(()(())((())))"));
        Report(3, () => new Solution().Histogram("a b c a"));
        Report(4, () => new Solution().Histogram("a b b a"));
        Report(5, () => new Solution().Histogram(""));
    }
}

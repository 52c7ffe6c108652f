-- codegem in Neovim 0.7 to 0.11: suggestions as grey text at the cursor, and by omni completion.
-- Neovim 0.12 and later need none of this; see README.md beside this folder.
--
--   require('codegem').setup({ cmd = { 'codegem', 'lsp', '--model', 'nano' } })
--
-- The server waits for a pause in typing, and drops what is out of date: this file asks after each change, shows what
-- comes back if nothing has changed since, and puts it in.

local M = {}

local options = {
  cmd = { 'codegem', 'lsp' },
  filetypes = nil, -- a list; nil is every file that has a name
  settings = {}, -- docs/EDITORS.md names them
  accept = '<Tab>', -- keys in insert mode; nil for none
  ask = '<M-\\>',
}

local space = vim.api.nvim_create_namespace('codegem')
local clients = {} -- the number of the client of each root
local shown -- what stands at the cursor

local function root_of(buffer)
  local folder = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buffer), ':p:h')
  local found = vim.fn.finddir('.git', folder .. ';')
  return found ~= '' and vim.fn.fnamemodify(found, ':p:h:h') or nil
end

local function is_wanted(buffer)
  if vim.bo[buffer].buftype ~= '' or vim.api.nvim_buf_get_name(buffer) == '' then
    return false
  end
  return not options.filetypes or vim.tbl_contains(options.filetypes, vim.bo[buffer].filetype)
end

local function client_of(buffer)
  for _, id in pairs(clients) do
    local client = vim.lsp.get_client_by_id(id)
    if client and vim.lsp.buf_is_attached(buffer, id) then
      return client
    end
  end
end

function M.dismiss()
  if shown then
    pcall(vim.api.nvim_buf_del_extmark, shown.buffer, space, shown.mark)
    shown = nil
  end
end

-- The suggestion at the cursor, or nil.
function M.shown()
  return shown and shown.text
end

-- The bytes before a position of the server's, in its line.
local function column(buffer, position, encoding)
  local line = vim.api.nvim_buf_get_lines(buffer, position.line, position.line + 1, false)[1] or ''
  if encoding == 'utf-8' then
    return math.min(position.character, #line)
  end
  return vim.str_byteindex(line, math.min(position.character, vim.fn.strchars(line)), encoding == 'utf-16')
end

local function show(buffer, item, encoding)
  M.dismiss()
  local row = item.range.start.line
  local from = column(buffer, item.range.start, encoding)
  local to = column(buffer, item.range['end'], encoding)
  local before = vim.api.nvim_buf_get_text(buffer, row, from, row, to, {})[1]
  if not vim.startswith(item.insertText, before) then
    return
  end
  local text = item.insertText:sub(#before + 1)
  local lines = vim.split(text, '\n', { plain = true })
  local below = {}
  for index = 2, #lines do
    below[#below + 1] = { { lines[index], 'Comment' } }
  end
  local mark = vim.api.nvim_buf_set_extmark(buffer, space, row, to, {
    virt_text = { { lines[1], 'Comment' } },
    virt_text_pos = 'overlay',
    virt_lines = #below > 0 and below or nil,
  })
  shown = { buffer = buffer, item = item, mark = mark, text = text, row = row, from = from, to = to }
end

-- Ask for a suggestion: by hand, or because something was typed.
function M.ask(automatic)
  local buffer = vim.api.nvim_get_current_buf()
  local client = client_of(buffer)
  if not client then
    return
  end
  M.dismiss()
  local tick = vim.api.nvim_buf_get_changedtick(buffer)
  local cursor = vim.api.nvim_win_get_cursor(0)
  local encoding = client.offset_encoding or 'utf-16'
  local params = vim.lsp.util.make_position_params(0, encoding)
  params.context = { triggerKind = automatic and 2 or 1 }
  client.request('textDocument/inlineCompletion', params, function(err, result)
    local item = not err and result and result.items[1]
    local now = vim.api.nvim_win_get_cursor(0)
    local is_same = buffer == vim.api.nvim_get_current_buf()
      and tick == vim.api.nvim_buf_get_changedtick(buffer)
      and vim.deep_equal(cursor, now)
    if item and is_same and vim.fn.mode():sub(1, 1) == 'i' then
      show(buffer, item, encoding)
    end
  end, buffer)
end

-- Put in what is shown; false where nothing is.
function M.accept()
  if not shown then
    return false
  end
  local taken, client = shown, client_of(shown.buffer)
  M.dismiss()
  local lines = vim.split(taken.item.insertText, '\n', { plain = true })
  vim.api.nvim_buf_set_text(taken.buffer, taken.row, taken.from, taken.row, taken.to, lines)
  local last = #lines == 1 and taken.from + #lines[1] or #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { taken.row + #lines, last })
  if client and taken.item.command then
    client.request('workspace/executeCommand', {
      command = taken.item.command.command,
      arguments = taken.item.command.arguments,
    }, function() end, taken.buffer)
  end
  return true
end

local function attach(buffer)
  if not is_wanted(buffer) then
    return
  end
  local root = root_of(buffer)
  local key = root or ''
  if not clients[key] then
    local able = vim.lsp.protocol.make_client_capabilities()
    able.textDocument.inlineCompletion = { dynamicRegistration = false }
    clients[key] = vim.lsp.start_client({
      name = 'codegem',
      cmd = options.cmd,
      root_dir = root,
      capabilities = able,
      -- Omni completion is asked for by hand, so that it is wanted beside the grey text.
      init_options = vim.tbl_extend('force', { ordinary = 'on' }, options.settings),
      settings = { codegem = options.settings },
      on_exit = function()
        clients[key] = nil
      end,
    })
  end
  if clients[key] then
    vim.lsp.buf_attach_client(buffer, clients[key])
    vim.bo[buffer].omnifunc = 'v:lua.vim.lsp.omnifunc'
  end
end

function M.setup(given)
  options = vim.tbl_extend('force', options, given or {})
  local group = vim.api.nvim_create_augroup('codegem', { clear = true })
  local function on(events, callback)
    vim.api.nvim_create_autocmd(events, { group = group, callback = callback })
  end
  on('FileType', function(event)
    attach(event.buf)
  end)
  on('TextChangedI', function()
    M.ask(true)
  end)
  on({ 'CursorMovedI', 'InsertLeave', 'BufLeave' }, function()
    local cursor = vim.api.nvim_win_get_cursor(0)
    if shown and not (cursor[1] == shown.row + 1 and cursor[2] == shown.to) then
      M.dismiss()
    end
  end)
  if options.accept then
    vim.keymap.set('i', options.accept, function()
      if not shown then
        return options.accept
      end
      vim.schedule(M.accept) -- text can't be changed while a mapping is worked out
      return ''
    end, { expr = true, desc = 'codegem: take the suggestion' })
  end
  if options.ask then
    vim.keymap.set('i', options.ask, function()
      M.ask(false)
    end, { desc = 'codegem: suggest' })
  end
end

return M
